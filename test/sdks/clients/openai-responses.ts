/** The Responses API of the `openai` package in its majors. */
import OpenAI7 from "openai";
import OpenAI5 from "openai-5";
import OpenAI6 from "openai-6";
import { type Fetch, OPENAI_ERROR, OUTPUT_TOKENS_MAX, type Sdk } from "../sdk.ts";

interface ResponsesClient {
  responses: {
    create(body: ResponseBody, options: CallOptions): PromiseLike<{ output_text: string }>;
    create(
      body: ResponseBody & { stream: true },
      options: CallOptions,
    ): PromiseLike<AsyncIterable<ResponseEvent>>;
  };
}

interface ResponseBody {
  model: string;
  input: string;
  max_output_tokens: number;
}
interface CallOptions {
  signal?: AbortSignal | undefined;
}
interface ResponseEvent {
  type: string;
  delta?: unknown;
}

interface ClientOptions {
  apiKey: string;
  fetch: Fetch;
  maxRetries?: number;
}

const MAJORS: [major: number, make: (options: ClientOptions) => ResponsesClient][] = [
  [7, (options) => new OpenAI7(options)],
  [6, (options) => new OpenAI6(options)],
  [5, (options) => new OpenAI5(options)],
];

export const OPENAI_RESPONSES_CLIENTS: Sdk[] = MAJORS.map(([major, make]) => ({
  name: `openai ${major}, responses`,
  provider: "openai",
  model: "gpt-4o-mini",
  price: { input: 150, output: 600 },
  refusal: { body: OPENAI_ERROR, error: { status: 400 } },
  retries: "soon",
  connect({ meter, maxRetries }) {
    const client = make({
      apiKey: "none",
      fetch: meter.fetch,
      ...(maxRetries === undefined ? {} : { maxRetries }),
    });
    const bodyOf = (input: string) => ({
      model: "gpt-4o-mini",
      input,
      max_output_tokens: OUTPUT_TOKENS_MAX,
    });
    return {
      ask: async (question, signal) =>
        (await client.responses.create(bodyOf(question), { signal })).output_text,
      async *stream(question, signal) {
        const events = await client.responses.create({ ...bodyOf(question), stream: true }, { signal });
        for await (const { type, delta } of events) {
          if (type === "response.output_text.delta" && typeof delta === "string") yield delta;
        }
      },
    };
  },
}));
