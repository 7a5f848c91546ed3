import { describeSdks } from "./sdk-suite.ts";
import { memoryTestMeter } from "./test-meter.ts";

describeSdks("in memory", memoryTestMeter);
