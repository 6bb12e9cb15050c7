// OpenRouter's own package against the gateway: node openrouter.mjs ACTION MODEL. Prints one JSON object.
// BASE_URL, API_KEY and PROMPT come from the environment.
import { OpenRouter } from "@openrouter/sdk";

// This package cancels the body after [DONE], and Node 18's fetch may throw then, from nowhere that could be awaited,
// although the answer is whole. Newer versions of Node do not.
if (process.versions.node.startsWith("18.")) {
  process.on("uncaughtException", (error) => {
    if (error.code !== "ERR_INVALID_STATE") throw error;
  });
}

const [action, model] = process.argv.slice(2);
const client = new OpenRouter({
  serverURL: process.env.BASE_URL,
  apiKey: process.env.API_KEY,
  httpReferer: "https://app.example",
  appTitle: "Example",
  retryConfig: { strategy: "none" },
});
const messages = [{ role: "user", content: process.env.PROMPT }];
const tools = [
  {
    type: "function",
    function: { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] } },
  },
];

function send(fields) {
  return client.chat.send({ chatRequest: { model, messages, ...fields } });
}

const actions = {
  plain: () => send({ maxTokens: 50 }),
  stream: async () => {
    const seen = { chunks: 0, text: "", finishes: [], usages: [] };
    for await (const chunk of await send({ stream: true, maxTokens: 50 })) {
      seen.chunks += 1;
      if (chunk.usage) seen.usages.push(chunk.usage);
      for (const choice of chunk.choices) {
        seen.text += choice.delta.content ?? "";
        if (choice.finishReason) seen.finishes.push(choice.finishReason);
      }
    }
    return seen;
  },
  tools: () => send({ tools, toolChoice: "required" }),
  json: () => send({ maxTokens: 200, responseFormat: { type: "json_object" } }),
  models: async () => {
    const listed = await client.models.list();
    return { ids: (listed.data ?? listed.result.data).map((found) => found.id) };
  },
  key: () => client.apiKeys.getCurrentKeyMetadata(),
  abort: async () => {
    let received = 0;
    // This package's way to hang up: leaving the loop cancels the body. (An abort signal ends only the wait for it.)
    for await (const _ of await send({ stream: true })) {
      received += 1;
      if (received === 2) break;
    }
    return { received };
  },
};

try {
  console.log(JSON.stringify(await actions[action]()));
} catch (error) {
  console.log(
    JSON.stringify({ exception: error.constructor.name, status: error.statusCode ?? null, message: error.message }),
  );
}
