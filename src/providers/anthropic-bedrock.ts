/** Claude by Bedrock's InvokeModel: Anthropic's messages, the model in the path. Streams there are binary. */
import { anthropicMessages } from "./anthropic-messages.ts";
import { bedrockCall, bedrockError, isBedrockError } from "./bedrock-paths.ts";
import type { ApiRequest, ProviderApi, ProviderCall, ReportedUsage } from "./provider.ts";

export const anthropicOnBedrock: ProviderApi = {
  ...anthropicMessages,
  name: "anthropic-bedrock",
  defaultProvider: "bedrock",

  serves(url) {
    const call = bedrockCall(url);
    return call?.action === "invoke" && call.model.includes("anthropic.claude");
  },
  isFree: () => false,

  readCall,
  isAnswer: () => false,
  readAnswer: (body, call) => unnamed(anthropicMessages.readAnswer(body, call)),
  isErrorBody: (body, status) => isBedrockError(body, status) || anthropicMessages.isErrorBody(body, status),
  errorBody: bedrockError,
};

function readCall(request: ApiRequest): ProviderCall {
  const { headers, url } = request;
  const call = anthropicMessages.readCall(request);
  const hasGuardrail = headers?.has("x-amzn-bedrock-guardrailidentifier") ?? false;
  return {
    ...call,
    model: bedrockCall(url)?.model ?? "",
    stream: false,
    // The profile in the model's name says it.
    regional: false,
    unbounded: hasGuardrail ? [...call.unbounded, "guardrail"] : call.unbounded,
  };
}

/** The called id says more than the answer's model: whether the call stays in a region, which has its price. */
function unnamed(usage: ReportedUsage | undefined): ReportedUsage | undefined {
  if (usage === undefined) return undefined;
  const [first, ...others] = usage.models;
  return { ...usage, models: [{ ...first, model: undefined }, ...others] };
}
