/** Streams inside workerd: the same suite as in Node. */
import { inject } from "vitest";
import { describeStreamBytes } from "../streams/bytes.suite.ts";

describeStreamBytes("workerd", inject("echoUrl"));
