import { describe, expect, it } from "vitest";
import { inputTokensOf } from "../../src/metering/bound.ts";
import { createPriceBook } from "../../src/pricing/price-book.ts";
import { openAiResponses } from "../../src/providers/openai-responses.ts";
import type { UsageContext } from "../../src/providers/provider.ts";

const url = new URL("https://api.openai.com/v1/responses");
const gpt = createPriceBook().find("openai", "gpt-5.4");
const read = (body: object, price = gpt) =>
  openAiResponses.readCall({
    url,
    provider: "openai",
    body: { model: "gpt-5.4", input: "Hi", ...body },
    price,
  });
const tools = (...list: unknown[]) => read({ tools: list }).unbounded;
const item = (part: object) => ({ role: "user", content: [part] });

describe("A request to OpenAI's responses", () => {
  it("names its model in the body, on Azure too", () => {
    const azure = new URL("https://x.openai.azure.com/openai/v1/responses");
    const call = openAiResponses.readCall({
      url: azure,
      provider: "azure",
      body: { model: "my-deployment" },
    });
    expect([read({}).model, call.model]).toEqual(["gpt-5.4", "my-deployment"]);
  });

  it("may be served on the priority tier when it asks for it by either name, or leaves it open", () => {
    const tiers = [undefined, null, "auto", "priority", "fast", "ultrafast", "default", "flex"];
    const asked = tiers.map((service_tier) => read({ service_tier }).priorityTier);
    expect(asked).toEqual(["open", "open", "open", "asked", "asked", "asked", "excluded", "excluded"]);
    expect(read({ service_tier: "ultrafast" }).fast).toBe(true);
  });

  it("leaves no tier open where no account has a default", () => {
    const url = new URL("https://api.x.ai/v1/responses");
    const call = openAiResponses.readCall({ url, provider: "xai", body: { model: "m" } });
    expect(call.priorityTier).toBe("excluded");
  });

  it("has its output limit in one field, of at least 16 tokens", () => {
    expect(read({}).output.limitTokens).toBeUndefined();
    expect(read({ max_output_tokens: 20 }).output.limitTokens).toBe(20);
    expect(() => read({ max_output_tokens: "20" })).toThrow(/max_output_tokens/);
    const body = { model: "m", input: "Hi", metadata: { a: "b" } };
    const limited = (limit: number) =>
      openAiResponses.withOutputLimit({ url, provider: "openai", body }, limit);
    expect(limited(5)).toEqual({ ...body, max_output_tokens: 16 });
    expect(limited(500)).toEqual({ ...body, max_output_tokens: 500 });
  });

  it("may be lowered to 16 tokens, or to what its thinking leaves, and is worthless when its JSON is cut", () => {
    const lowering = (body: object) => read(body).output.lowering;
    expect(lowering({})).toEqual({ floorTokens: 16, structured: false });
    expect(lowering({ reasoning: { max_tokens: 2000 } })?.floorTokens).toBe(2001);
    expect(lowering({ text: { format: { type: "json_schema" } } })?.structured).toBe(true);
    expect(lowering({ text: { format: { type: "text" } } })?.structured).toBe(false);
  });
});

describe("What a request to OpenAI's responses only refers to fills the context window", () => {
  const fills = (body: object) => read(body).input.fillsContext;

  it.each([
    ["an earlier response", { previous_response_id: "resp_1" }],
    ["a conversation", { conversation: "conv_1" }],
    ["a conversation by its object", { conversation: { id: "conv_1" } }],
    ["a stored prompt", { prompt: { id: "pmpt_1" } }],
    ["a stored item", { input: [{ type: "item_reference", id: "msg_1" }] }],
    ["a stored item without a type", { input: [{ id: "msg_1" }] }],
    ["a stored message", { input: [{ type: "message", id: "msg_1", role: "assistant" }] }],
    ["instructions of a form that nobody knows", { instructions: [{ type: "item_reference", id: "msg_1" }] }],
    ["stored reasoning", { input: [{ type: "reasoning", id: "rs_1", summary: [] }] }],
    ["a compacted conversation", { input: [{ type: "compaction", encrypted_content: "AAAA" }] }],
    ["what a search found", { input: [{ type: "file_search_call", id: "fs_1", queries: ["a"] }] }],
    ["a picture that was made", { input: [{ type: "image_generation_call", id: "ig_1" }] }],
    ["an item of a kind to come", { input: [{ type: "hologram", data: "AAAA" }] }],
    ["a file by its id", { input: [item({ type: "input_file", file_id: "file_1" })] }],
    ["a file by its address", { input: [item({ type: "input_file", file_url: "https://a.example/b.pdf" })] }],
    [
      "the pages of a PDF",
      { input: [item({ type: "input_file", file_data: "data:application/pdf;base64,A" })] },
    ],
    [
      "a file that a tool gave back",
      {
        input: [
          { type: "function_call_output", call_id: "c", output: [{ type: "input_file", file_id: "f" }] },
        ],
      },
    ],
    ["input of a form that nobody knows", { input: { text: "Hi" } }],
  ])("%s", (_what, body) => {
    expect(fills(body)).toBe(true);
  });

  it.each([
    ["text", {}],
    ["no input", { input: undefined }],
    [
      "messages",
      {
        input: [
          { role: "user", content: "Hi" },
          { type: "message", role: "user", content: [] },
        ],
      },
    ],
    ["parts of text", { input: [item({ type: "input_text", text: "Hi" })] }],
    ["encrypted reasoning", { input: [{ type: "reasoning", id: "rs_1", encrypted_content: "AAAA" }] }],
    [
      "calls and what came of them",
      { input: [{ type: "function_call" }, { type: "function_call_output", output: "1" }] },
    ],
    ["a shell's output", { input: [{ type: "shell_call_output", output: [{ stdout: "a", stderr: "" }] }] }],
    ["fields that are null", { previous_response_id: null, conversation: null, prompt: null }],
  ])("but not %s", (_what, body) => {
    expect(fills(body)).toBe(false);
  });

  it("in money too: the window is what is held", () => {
    const body = { model: "gpt-5.4", input: "Hi", previous_response_id: "resp_1" };
    const price = createPriceBook().find("openai", "gpt-5.4");
    expect(inputTokensOf(read(body), body, price)).toBe(price.contextTokens);
  });
});

describe("Media in a request to OpenAI's responses", () => {
  const data = "A".repeat(60_000);

  it("are allowed for as tokens of their own, and not as text", () => {
    const image = item({ type: "input_image", image_url: `data:image/png;base64,${data}`, detail: "auto" });
    expect(read({ input: [image] }).input).toEqual({
      mediaCharacters: 60_000,
      allowanceTokens: 16_384,
      fillsContext: false,
      audio: false,
    });
  });

  it("are so wherever they stand: by address, by id, on a screen, from a tool", () => {
    const addressed = item({ type: "input_image", image_url: "https://a.example/b.png", detail: "low" });
    const stored = item({ type: "input_image", file_id: "file_1" });
    const screen = { type: "computer_call_output", output: { type: "computer_screenshot", file_id: "f" } };
    const tool = {
      type: "function_call_output",
      output: [{ type: "input_image", image_url: "https://a.b/c" }],
    };
    const { input } = read({ input: [addressed, stored, screen, tool] });
    expect(input).toMatchObject({ allowanceTokens: 3_072 + 3 * 16_384, fillsContext: false });
  });

  it("that are spoken are audio", () => {
    const spoken = item({ type: "input_audio", input_audio: { data, format: "mp3" } });
    expect(read({ input: [spoken] }).input).toMatchObject({ audio: true, mediaCharacters: 60_000 });
  });
});

describe("Tools that the caller runs", () => {
  it("bound nothing away", () => {
    const local = { type: "shell", environment: { type: "local" } };
    const nested = { type: "namespace", name: "n", tools: [{ type: "function", name: "f" }] };
    const search = { type: "tool_search", execution: "client" };
    expect(
      tools(
        { type: "function", name: "f" },
        { type: "custom", name: "c" },
        { type: "computer_use_preview" },
        { type: "apply_patch" },
        { type: "local_shell" },
        local,
        nested,
        search,
      ),
    ).toEqual([]);
  });

  it("bring a prompt of their own where the provider defines them", () => {
    const { input } = read({ tools: [{ type: "computer" }, { type: "apply_patch" }, { type: "function" }] });
    expect(input.allowanceTokens).toBe(2 * 1_024);
  });
});

describe("What no request to OpenAI's responses bounds", () => {
  it.each([
    ["webSearch", { type: "web_search" }],
    ["webSearch", { type: "web_search_preview_2025_03_11" }],
    ["serverTool", { type: "file_search", vector_store_ids: ["vs_1"] }],
    ["serverTool", { type: "x_search" }],
    ["serverTool", { type: "programmatic_tool_calling" }],
    ["serverTool", { type: "tool_search" }],
    ["serverTool", { type: "of a kind to come" }],
    ["serverTool", "no object"],
    ["container", { type: "code_interpreter", container: { type: "auto" } }],
    ["container", { type: "shell" }],
    ["container", { type: "shell", environment: { type: "container_auto" } }],
    ["imageTool", { type: "image_generation" }],
    ["mcpServer", { type: "mcp", server_label: "s" }],
    ["mcpServer", { type: "namespace", name: "n", tools: [{ type: "mcp" }] }],
  ])("is a tool: %s", (feature, tool) => {
    expect(tools(tool)).toEqual([feature]);
  });

  it("is such a tool wherever it is brought in", () => {
    const added = { type: "additional_tools", role: "developer", tools: [{ type: "web_search" }] };
    const found = { type: "tool_search_output", tools: [{ type: "namespace", tools: [{ type: "mcp" }] }] };
    expect(read({ input: [added, found] }).unbounded).toEqual(["webSearch", "mcpServer"]);
  });

  it.each([
    ["background", { background: true }],
    ["severalPasses", { reasoning: { mode: "pro" } }],
    ["severalPasses", { multi_agent: { enabled: true } }],
    ["severalPasses", { model: "o3-deep-research" }],
    ["compaction", { context_management: [{ type: "compaction", compact_threshold: 1000 }] }],
    ["compaction", { input: [{ type: "compaction_trigger" }] }],
    ["otherModels", { models: ["a", "b"] }],
    ["otherModels", { preset: "@preset/mine" }],
    ["webSearch", { model: "openai/gpt-4.1-mini:online" }],
    ["serverTool", { plugins: [{ id: "web" }] }],
  ])("is %s: %o", (feature, body) => {
    expect(read(body).unbounded).toContain(feature);
  });

  it("is nothing of what is switched off", () => {
    const off = {
      background: false,
      context_management: [],
      reasoning: { mode: "standard" },
      tools: [],
      models: null,
    };
    expect(read(off).unbounded).toEqual([]);
    expect(() => read({ tools: { type: "web_search" } })).toThrow(/tools/);
  });

  it("has its fees held, where calls of tools are limited", () => {
    const both = [{ type: "web_search" }, { type: "file_search" }];
    expect(read({ tools: both, max_tool_calls: 3 }).feeCalls).toEqual({ webSearches: 3, fileSearches: 3 });
    expect(read({ tools: both }).feeCalls).toBeUndefined();
    expect(read({ max_tool_calls: 3 }).feeCalls).toEqual({});
  });
});

const plain: UsageContext = { cacheWrite: undefined, fast: false, regional: false };
const usage = { input_tokens: 90, output_tokens: 12, total_tokens: 102 };
const answer = (body: object, call = plain) =>
  openAiResponses.readAnswer({ object: "response", status: "completed", model: "m", usage, ...body }, call);

describe("An answer of OpenAI's responses", () => {
  it("is recognised by its shape", () => {
    expect(openAiResponses.isAnswer({ object: "response" })).toBe(true);
    expect(openAiResponses.isAnswer({ object: "chat.completion" })).toBe(false);
  });

  it("tells cached, written and reasoning tokens apart", () => {
    const details = {
      input_tokens_details: { cached_tokens: 20, cache_write_tokens: 30 },
      output_tokens_details: { reasoning_tokens: 8 },
    };
    expect(answer({ usage: { ...usage, ...details } })?.models).toEqual([
      {
        model: "m",
        tokens: {
          inputTokens: 40,
          cachedInputTokens: 20,
          cacheWriteTokens: 30,
          outputTokens: 12,
          reasoningTokens: 8,
        },
      },
    ]);
  });

  it("states the tier that served it", () => {
    const tier = (service_tier: string) => answer({ service_tier });
    expect(tier("flex")?.models[0].tokens.serviceTier).toBe("flex");
    expect(tier("default")?.models[0].tokens.serviceTier).toBeUndefined();
    expect(tier("ultrafast")?.extras.fast).toBe(true);
  });

  it.each(["priority", "fast"])("is priced as priority by either name: %s", (service_tier) => {
    expect(answer({ service_tier })?.models[0].tokens.serviceTier).toBe("priority");
  });

  it("was served on the tier that was asked for where it states none", () => {
    const body = { object: "response", model: "m", usage: { input_tokens: 4, output_tokens: 2 } };
    const call = { cacheWrite: undefined, fast: false, regional: false, priorityTier: "asked" } as const;
    const tierOf = (response: object, fast = false) =>
      openAiResponses.readAnswer({ ...body, ...response }, { ...call, fast });
    expect(tierOf({})?.models[0].tokens.serviceTier).toBe("priority");
    expect(tierOf({ service_tier: "auto" })?.models[0].tokens.serviceTier).toBe("priority");
    expect(tierOf({ service_tier: "default" })?.models[0].tokens.serviceTier).toBeUndefined();
    expect(tierOf({}, true)?.extras.fast).toBe(true);
  });

  it.each([
    ["is still in the queue, whatever it counts", { status: "queued" }],
    ["is still in the queue", { status: "queued", usage: null }],
    ["is still under way, whatever it counts", { status: "in_progress" }],
    ["failed", { status: "failed", usage: null }],
    ["lacks a count", { usage: { input_tokens: 3 } }],
    ["has a count below zero", { usage: { ...usage, output_tokens: -1 } }],
    [
      "counts more images than input",
      {
        tools: [{ type: "image_generation", model: "gpt-image-1" }],
        tool_usage: {
          image_gen: { input_tokens: 1, output_tokens: 1, input_tokens_details: { image_tokens: 9 } },
        },
      },
    ],
    ["counts its searches in words", { tool_usage: { web_search: { num_requests: "two" } } }],
  ])("says nothing where it %s", (_why, body) => {
    expect(answer(body)).toBeUndefined();
  });

  it("is priced as its host states it", () => {
    const stated = (cost: object, provider: string) => {
      const body = { object: "response", model: "m", usage: { ...usage, ...cost } };
      return openAiResponses.readAnswer(body, { ...plain, provider })?.statedNanoUsd;
    };
    expect(stated({ cost: 0.0001 }, "openrouter")).toBe(100_000);
    expect(stated({ cost_in_usd_ticks: 12_345 }, "xai")).toBe(1_235);
    expect(stated({ cost: 0.0001 }, "openai")).toBeUndefined();
  });

  it("leaves a doubt where the price of a cache that lives longer is not known", () => {
    const written = {
      cache_write_tokens: 5,
      cache_write_tokens_details: { ttl_12h_tokens: 5, ttl_30m_tokens: 0 },
    };
    expect(answer({ usage: { ...usage, input_tokens_details: written } })?.doubts).toHaveLength(1);
    expect(answer({})?.doubts).toEqual([]);
  });

  it("leaves a doubt where its counts do not add up, or tools without a price took part", () => {
    expect(answer({ usage: { ...usage, output_tokens: 0, total_tokens: 500 } })).toMatchObject({
      models: [{ tokens: { inputTokens: 90, outputTokens: 410 } }],
      doubts: [expect.stringContaining("500")],
    });
    const tools = { ...usage, num_server_side_tools_used: 2 };
    expect(answer({ usage: tools })?.doubts).toHaveLength(1);
    expect(answer({ usage: { ...tools, cost_in_usd_ticks: 10 } })?.doubts).toEqual([]);
  });
});

describe("What tools of the provider's bill apart", () => {
  const extras = (body: object) => answer(body)?.extras;
  const search = (action?: object) => ({ type: "web_search_call", ...(action && { action }) });

  it("is what the answer counts of its searches", () => {
    const output = [search({ type: "search" }), search({ type: "search" })];
    expect(extras({ output, tool_usage: { web_search: { num_requests: 1 } } })?.webSearches).toBe(1);
  });

  it("is each search in its output where it counts none, and no page that was opened", () => {
    const output = [
      search({ type: "search", query: "a" }),
      search({ type: "search", queries: ["a", "b"] }),
      search(),
      search({ type: "open_page" }),
      search({ type: "find_in_page" }),
      { type: "file_search_call" },
    ];
    expect(extras({ output })).toMatchObject({ webSearches: 4, fileSearches: 1 });
  });

  it("is a container that was offered, even where no call shows it", () => {
    expect(extras({ tools: [{ type: "code_interpreter" }] })?.containers).toBe(1);
    expect(extras({ output: [{ type: "code_interpreter_call" }] })?.containers).toBe(1);
    expect(extras({ tools: [{ type: "shell", environment: { type: "local" } }] })?.containers).toBe(0);
  });

  const made = { type: "image_generation_call", status: "completed" };
  const counted = {
    image_gen: {
      input_tokens: 50,
      input_tokens_details: { image_tokens: 40, text_tokens: 10 },
      output_tokens: 272,
      total_tokens: 322,
    },
  };

  it("is the tokens of the model that made the images", () => {
    const imageTools = [{ type: "image_generation", model: "gpt-image-1" }];
    const reported = answer({ output: [made], tools: imageTools, tool_usage: counted });
    expect(reported?.extras.images).toBe(0);
    expect(reported?.models[1]).toEqual({
      model: "gpt-image-1",
      tokens: { inputTokens: 10, imageInputTokens: 40, outputTokens: 0, imageOutputTokens: 272 },
    });
  });

  it("is the images themselves where their tokens or their model are not stated", () => {
    const failed = { ...made, status: "failed" };
    expect(extras({ output: [made, made, failed] })?.images).toBe(2);
    expect(extras({ output: [], tool_usage: counted })?.images).toBe(1);
  });
});

describe("A stream of OpenAI's responses", () => {
  const event = (type: string, response: object) =>
    JSON.stringify({ type, response: { model: "m", ...response } });

  it.each(["response.completed", "response.incomplete", "response.failed"])(
    "ends with %s, and only then",
    (type) => {
      const reader = openAiResponses.readEvents(plain);
      reader.read(event("response.created", { status: "in_progress", usage: null }));
      reader.read(event("response.in_progress", { status: "in_progress", usage: null }));
      reader.read(JSON.stringify({ type: "error", message: "m" }));
      expect([reader.ended, reader.complete, reader.usage()]).toEqual([false, false, undefined]);
      reader.read(event(type, { usage }));
      expect([reader.ended, reader.complete]).toEqual([true, true]);
      expect(reader.usage()?.models).toEqual([{ model: "m", tokens: { inputTokens: 90, outputTokens: 12 } }]);
    },
  );

  it("that failed before anything was counted ends without usage", () => {
    const reader = openAiResponses.readEvents(plain);
    reader.read(event("response.failed", { status: "failed", usage: null }));
    expect([reader.ended, reader.usage()]).toEqual([true, undefined]);
  });

  it("does not end where a text talks of the end", () => {
    const reader = openAiResponses.readEvents(plain);
    const delta = event("response.completed", { usage });
    reader.read(JSON.stringify({ type: "response.output_text.delta", delta }));
    reader.read(
      JSON.stringify({ type: "response.custom", response: { usage }, echo: { type: "response.completed" } }),
    );
    expect(reader.ended).toBe(false);
  });
});
