// The openai package for Node against the gateway: node openai.mjs ACTION MODEL. Prints one JSON object.
// BASE_URL, API_KEY and PROMPT come from the environment.
import OpenAI from "openai";

const [action, model] = process.argv.slice(2);
// RETRIES=default leaves the package to its own.
const maxRetries = process.env.RETRIES === "default" ? undefined : 0;
const client = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: process.env.API_KEY, maxRetries });
const messages = [{ role: "user", content: process.env.PROMPT }];
const tools = [
  {
    type: "function",
    function: { name: "weather", parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] } },
  },
];

async function collect(stream) {
  const seen = { chunks: 0, text: "", finishes: [], usages: [], arguments: "", name: null };
  for await (const chunk of stream) {
    seen.chunks += 1;
    if (chunk.usage) seen.usages.push(chunk.usage);
    for (const choice of chunk.choices) {
      seen.text += choice.delta.content ?? "";
      if (choice.finish_reason) seen.finishes.push(choice.finish_reason);
      for (const call of choice.delta.tool_calls ?? []) {
        seen.name ??= call.function?.name ?? null;
        seen.arguments += call.function?.arguments ?? "";
      }
    }
  }
  return seen;
}

const actions = {
  plain: () => client.chat.completions.create({ model, messages, max_tokens: 50 }),
  stream: async () => collect(await client.chat.completions.create({ model, messages, max_tokens: 50, stream: true })),
  tools: async () => collect(await client.chat.completions.create({ model, messages, tools, tool_choice: "required", stream: true })),
  json: () =>
    client.chat.completions.create({ model, messages, max_tokens: 200, response_format: { type: "json_object" } }),
  models: async () => {
    const ids = [];
    for await (const found of client.models.list()) ids.push(found.id);
    return { ids };
  },
  abort: async () => {
    const stream = await client.chat.completions.create({ model, messages, stream: true });
    let received = 0;
    for await (const _ of stream) {
      received += 1;
      if (received === 2) stream.controller.abort();
    }
    return { received };
  },
};

try {
  console.log(JSON.stringify(await actions[action]()));
} catch (error) {
  console.log(
    JSON.stringify({ exception: error.constructor.name, status: error.status ?? null, message: error.message }),
  );
}
