/**
 * What every store must do, as plain functions over a store with a clock that the test moves.
 * A runtime needs only a loop over these: see store.test.ts and test/workerd.
 */
import { ADMINISTRATION_CASES } from "./administration.ts";
import { ADMISSION_CASES } from "./admission.ts";
import { ALERTS_CASES } from "./alerts.ts";
import type { StoreCase } from "./bench.ts";
import { CORNER_CASES } from "./corners.ts";
import { CORRECTIONS_CASES } from "./corrections.ts";
import { FOREIGN_DATA_CASES } from "./foreign-data.ts";
import { HISTORY_CASES } from "./history.ts";
import { HISTORY_READER_CASES } from "./history-reader.ts";
import { IDLE_CASES } from "./idle.ts";
import { LISTS_CASES } from "./lists.ts";
import { LOST_ANSWERS_CASES } from "./lost-answers.ts";
import { REPETITION_CASES } from "./repetition.ts";
import { SENSELESS_CASES } from "./senseless.ts";
import { SETTLING_CASES } from "./settling.ts";
import { TOMBSTONES_CASES } from "./tombstones.ts";
import { UNLIMITED_CASES } from "./unlimited.ts";
import { WINDOWS_CASES } from "./windows.ts";
import { UNKNOWN_WINDOWS_CASES, ZONES_CASES } from "./zones.ts";

export const STORE_CASES: StoreCase[] = [
  ...ADMISSION_CASES,
  ...TOMBSTONES_CASES,
  ...UNLIMITED_CASES,
  ...SETTLING_CASES,
  ...REPETITION_CASES,
  ...CORRECTIONS_CASES,
  ...CORNER_CASES,
  ...HISTORY_CASES,
  ...HISTORY_READER_CASES,
  ...LOST_ANSWERS_CASES,
  ...WINDOWS_CASES,
  ...ZONES_CASES,
  ...UNKNOWN_WINDOWS_CASES,
  ...LISTS_CASES,
  ...IDLE_CASES,
  ...ADMINISTRATION_CASES,
  ...ALERTS_CASES,
  ...FOREIGN_DATA_CASES,
  ...SENSELESS_CASES,
];
