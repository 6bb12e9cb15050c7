// OpenRouter's own package with the retries that it has by default: node openrouter_retrying.mjs MODEL STREAM TRIES.
// Its waits are noted and not slept, and the request after the TRIES-th is not sent: by itself it would go on for an hour.
// Prints one JSON object. BASE_URL, API_KEY and PROMPT come from the environment.
import { HTTPClient, OpenRouter } from "@openrouter/sdk";

const [model, stream, allowed] = process.argv.slice(2);
const seen = { tries: 0, statuses: [], told: [], waits: [], ended: null };

const sleepLess = globalThis.setTimeout;
globalThis.setTimeout = (work, milliseconds, ...rest) => {
  // Only what the package's retries wait for is as long as this; the rest belongs to Node.
  if (seen.tries > seen.waits.length && seen.tries === seen.statuses.length) seen.waits.push(milliseconds);
  return sleepLess(work, 0, ...rest);
};

class Enough extends Error {}

const httpClient = new HTTPClient({
  fetcher: async (request, options) => {
    if (seen.tries === Number(allowed)) throw new Enough("enough");
    seen.tries += 1;
    const response = await fetch(request, options);
    seen.told.push({ wait: response.headers.get("retry-after"), again: response.headers.get("x-should-retry") });
    seen.statuses.push(response.status);
    return response;
  },
});

const client = new OpenRouter({ serverURL: process.env.BASE_URL, apiKey: process.env.API_KEY, httpClient });
const messages = [{ role: "user", content: process.env.PROMPT }];
try {
  await client.chat.send({ chatRequest: { model, messages, stream: stream === "true", maxTokens: 20 } });
  seen.ended = "answered";
} catch (error) {
  seen.ended = error instanceof Enough || error.cause instanceof Enough ? "stopped by the test" : error.constructor.name;
}
console.log(JSON.stringify(seen));
process.exit(0);
