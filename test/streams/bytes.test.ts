import { inject } from "vitest";
import { describeStreamBytes } from "./bytes.suite.ts";

describeStreamBytes("Node", inject("echoUrl"));
