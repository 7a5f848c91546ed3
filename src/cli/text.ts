/** What the command line says when it is not understood, or when a command fails: one line, which repeats no value. */
import {
  type ApplicationText,
  ArgumentScannerError,
  formatMessageForArgumentScannerError,
  text_en,
} from "@stricli/core";
import { AgentLimitError } from "../errors.ts";
import { plain } from "./output.ts";
import { UsageError } from "./usage-error.ts";

export const TEXT: ApplicationText = {
  ...text_en,
  briefs: {
    ...text_en.briefs,
    help: "Print this help and exit",
    version: "Print the version and exit",
  },
  noCommandRegisteredForInput: ({ input, corrections }) => says(unknownCommand(input, corrections)),
  exceptionWhileParsingArguments: (error) =>
    says(error instanceof ArgumentScannerError ? misread(error) : messageOf(error)),
  exceptionWhileRunningCommand: (error) => says(messageOf(error)),
  exceptionWhileLoadingCommandFunction: (error) => says(messageOf(error)),
  // Neither --help nor --version throws: this is a name such as --constructor, which stricli takes for a flag.
  exceptionWhileRunningIntegrationFlag: () => says("There is no such flag. See agentlimit --help."),
};

/** The line that tells of a failure. */
function says(message: string): string {
  return `agentlimit: ${plain(message)}`;
}

function messageOf(error: unknown): string {
  if (error instanceof UsageError || error instanceof AgentLimitError) return error.message;
  return `Unexpected error: ${error instanceof Error ? error.message : "not an Error"}. Please report it.`;
}

/** Only what looks like a name is repeated: an address or a token in the wrong place is not. */
function unknownCommand(input: string, corrections: readonly string[]): string {
  if (input.startsWith("-"))
    return "Flags stand after the command, such as agentlimit status --agent my-agent. See agentlimit --help.";
  if (!/^[a-z]{1,20}$/i.test(input)) return "The first word must be a command. See agentlimit --help.";
  const names = corrections.map((name) => name.replaceAll("`", ""));
  return `There is no command ${input}${didYouMean(names)} See agentlimit --help.`;
}

function misread(error: ArgumentScannerError): string {
  const said = formatMessageForArgumentScannerError(error, {
    FlagNotFoundError: ({ input, corrections }) =>
      input.length > 30
        ? "There is no such flag."
        : `There is no flag --${input}${didYouMean(corrections.map((flag) => `--${flag}`))}`,
    AliasNotFoundError: ({ input }) => `There is no flag -${input}.`,
    ArgumentParseError: ({ externalFlagNameOrPlaceholder: flag }) =>
      `--${flag} has a value that it can't take.`,
    UnsatisfiedFlagError: ({ externalFlagName }) => `--${externalFlagName} needs a value.`,
    UnexpectedFlagError: ({ externalFlagName }) => `--${externalFlagName} is given twice.`,
    InvalidNegatedFlagSyntaxError: ({ externalFlagName }) => `--${externalFlagName} takes no value.`,
    UnexpectedPositionalError: ({ input }) =>
      /^--[a-z]+=$/.test(input) ? `${input} needs a value.` : "Only flags may follow the command.",
  });
  return `${said} See --help.`;
}

function didYouMean(corrections: readonly string[]): string {
  return corrections.length === 0 ? "." : `; did you mean ${corrections.join(" or ")}?`;
}
