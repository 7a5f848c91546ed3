/**
 * A team of agents on one task, within $0.02 for the whole run: `node research.ts "Why do cats purr?"`
 *
 * Each agent goes on until it says DONE. Whatever they do, together they can't spend more than the run may.
 * Needs Node 24. Environment variables: OPENAI_API_KEY, and REDIS_URL unless Redis is on this machine.
 */
import { randomUUID } from "node:crypto";
import { BudgetExceededError, UsageMeter } from "agentlimit/node";
import OpenAI from "openai";

await using app = new UsageMeter({
  redisUrl: process.env.REDIS_URL ?? "redis://localhost:6379",
  scope: "app:research",
  budgets: [{ window: "day", usd: 5 }],
  // The agents run side by side: one waits while only the calls of the others stand in its way.
  waitMs: 30_000,
});

// Runs come by the million: this one's account goes when it has been idle for three days.
const run = app.child(`run:${randomUUID()}`, {
  budgets: [{ window: "total", usd: "0.02" }],
  forgetAfterIdleSeconds: 3 * 86_400,
});

const TASKS = {
  researcher: "List what is known about the question, a few facts at a time.",
  critic: "Name what is doubtful about the usual answers to the question, one point at a time.",
  writer: "Write an answer for a curious ten-year-old, a paragraph at a time.",
};

/** Ends when the agent is done; a budget that is used up ends it as an error. */
async function work(name: string, task: string, question: string): Promise<void> {
  // It counts against its own budget, the run's and the app's, all or nothing.
  const agent = run.child(`agent:${name}`, { budgets: [{ window: "day", usd: 1 }] });
  const openai = agent.instrumentOpenAIClient(new OpenAI());
  const messages: OpenAI.ChatCompletionMessageParam[] = [
    { role: "system", content: `${task} Say DONE when there is nothing left to say.` },
    { role: "user", content: question },
  ];
  for (let text = ""; !text.includes("DONE"); ) {
    const answer = await openai.chat.completions.create({
      model: "gpt-4o-mini",
      // The smaller the limit, the less is held while a call runs.
      max_completion_tokens: 200,
      messages,
    });
    text = answer.choices[0]?.message.content ?? "DONE";
    console.log(`${name}: ${text}`);
    messages.push({ role: "assistant", content: text }, { role: "user", content: "Go on." });
  }
}

const question = process.argv[2] ?? "Why do cats purr?";
const ends = await Promise.allSettled(
  Object.entries(TASKS).map(([name, task]) => work(name, task, question)),
);

const failures = ends.flatMap((end) => (end.status === "rejected" ? [end.reason] : []));
const denial = failures.map(BudgetExceededError.from).find((error) => error !== undefined);
// Nothing more was sent. What the agents have found until then stands above.
if (denial !== undefined) console.error(`Stopped: ${denial.message}`);
const others = failures.filter((error) => BudgetExceededError.from(error) === undefined);
if (others.length > 0) throw new AggregateError(others, "Agents failed.");

await app.flush();
const { usdSpent } = await run.getUsage();
console.error(`The run has spent $${usdSpent.toFixed(6)} of $0.02`);
