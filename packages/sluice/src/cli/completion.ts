// `sluice completion SHELL`: the script with which a shell completes commands, options and their
// values. The script has all of them in it, so that no program has to start with each Tab. If it
// has nothing to offer, the shell completes names of files.
//
// What the scripts do with `sluice imports cancel --to …`:
//
//   bash   one function. It goes through the words before the cursor, and keeps the path of
//          commands: `imports cancel`. Two case tables have the values of an option, and the offers
//          of a path. `values=none` means that no option before the cursor takes a value.
//   zsh    one function for each command, `_sluice_imports_cancel`, called by the one above it.
//   fish   one line for each command and option, with a test of the words that are there.
import type { Argument, Command, Option } from "commander";

/** A command, or the program itself, as the scripts see it. */
interface Completed {
  /** Its words: "", `import`, `imports cancel`. */
  readonly path: string;
  readonly description: string;
  /** The commands below it, or the values of its argument. */
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly Option[];
  /** True if its arguments are files. */
  readonly files: boolean;
}

const SCRIPTS: Readonly<Record<string, (commands: readonly Completed[]) => string>> = { bash, zsh, fish };

/** Adds the command to a program that has all others. */
export function addCompletion(sluice: Command): void {
  const shell: Argument = sluice.createArgument("<shell>").choices(Object.keys(SCRIPTS));
  sluice
    .command("completion")
    .description("print the script with which a shell completes commands, options and their values")
    .addArgument(shell)
    .addHelpText(
      "after",
      `
Examples:
  $ source <(sluice completion bash)                     in ~/.bashrc
  $ source <(sluice completion zsh)                      in ~/.zshrc, after compinit
  $ sluice completion fish > ~/.config/fish/completions/sluice.fish`,
    )
    .action((name: string) => console.log(SCRIPTS[name]!(completed(sluice))));
}

/** A command and all commands below it. What is hidden in the help is not offered. */
function completed(command: Command, above: readonly string[] = []): Completed[] {
  const help = command.createHelp();
  const commands = help.visibleCommands(command);
  const values = command.registeredArguments.flatMap((argument) => argument.argChoices ?? []);
  const own: Completed = {
    path: above.join(" "),
    description: command.description(),
    commands: [
      ...commands.map((each) => ({ name: each.name(), description: each.description() })),
      ...values.map((name) => ({ name, description: "" })),
    ],
    options: help.visibleOptions(command),
    files: command.registeredArguments.some((argument) => argument.name() === "file"),
  };
  // `help` is a command of commander's own, which takes the name of one of the others.
  const known = command.commands.filter((each) => commands.includes(each));
  const helped = known.map((each) => ({ name: each.name(), description: each.description() }));
  const asked = { path: [...above, "help"].join(" "), description: "", commands: helped, options: [], files: false };
  return [
    own,
    ...(commands.some((each) => each.name() === "help") ? [asked] : []),
    ...known.flatMap((each) => completed(each, [...above, each.name()])),
  ];
}

/** Reports whether an option has a value, which may be optional. */
function takesValue({ required, optional }: Option): boolean {
  return required || optional;
}

/** The names of an option: `-h`, `--help`. */
function flagsOf({ short, long }: Option): string[] {
  return [short, long].filter((flag) => flag !== undefined);
}

function bash(commands: readonly Completed[]): string {
  const steps = commands.flatMap(({ path, commands: below }) => below.map(({ name }) => `"${path}:${name}"`));
  const values = commands.flatMap(({ path, options }) =>
    options.filter(takesValue).map((option) => {
      const names = flagsOf(option).map((flag) => `"${path}:${flag}"`);
      return `    ${names.join("|")}) values=${quoted((option.argChoices ?? []).join(" "))} ;;`;
    }),
  );
  const offers = commands.map(({ path, commands: below, options, files }) => {
    const names = below.map(({ name }) => name).join(" ");
    return `    "${path}") flags=${quoted(options.flatMap(flagsOf).join(" "))} commands=${quoted(names)} files=${files ? "yes" : "no"} ;;`;
  });
  return `_sluice() {
  local cur=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} path= word flags commands files values=none
  # --method=c is three words to bash.
  if [[ $cur == "=" ]]; then cur=; elif [[ $before == "=" ]]; then before=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path:$word" in
    ${steps.join("|")}) path="\${path:+$path }$word" ;;
    esac
  done
  case "$path:$before" in
${values.join("\n")}
  esac
  case "$path" in
${offers.join("\n")}
  esac
  if [[ $values != none ]]; then COMPREPLY=($(compgen -W "$values" -- "$cur"))
  elif [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$cur"))
  else
    COMPREPLY=($(compgen -W "$commands" -- "$cur"))
    [[ $files == yes ]] || compopt +o default
  fi
}
complete -o default -F _sluice sluice`;
}

function zsh(commands: readonly Completed[]): string {
  const functions = commands.map(({ path, commands: below, options, files }) => {
    const specs = options.map((option) => quoted(zshOption(option)));
    if (below.length === 0) {
      const rest = files ? ` '*:file:_files'` : "";
      return `${zshName(path)}() {\n  _arguments -s ${specs.join(" \\\n    ")}${rest}\n}`;
    }
    const listed = below.map(({ name, description }) => quoted(`${name}:${description}`)).join(" ");
    const calls = below.map(({ name }) => {
      const inner = path === "" ? name : `${path} ${name}`;
      const known = commands.some((each) => each.path === inner);
      return `      ${name}) ${known ? zshName(inner) : "_default"} ;;`;
    });
    return `${zshName(path)}() {
  local context state state_descr line
  typeset -A opt_args
  local -a below=(${listed})
  _arguments -C ${specs.join(" \\\n    ")} '1:command:->command' '*::arguments:->arguments'
  case $state in
    command) _describe command below ;;
    arguments)
      case $line[1] in
${calls.join("\n")}
      esac ;;
  esac
}`;
  });
  return `#compdef sluice\n${functions.join("\n")}\ncompdef _sluice sluice`;
}

/** The name of the function for a command. */
function zshName(path: string): string {
  return ["_sluice", ...path.split(" ").filter((word) => word !== "")].join("_");
}

/** An option as `_arguments` takes it: `--name[description]:value:(choices)`. */
function zshOption(option: Option): string {
  const flags = flagsOf(option);
  const said = option.description.replaceAll(/[[\]:\\]/g, String.raw`\$&`);
  const value = option.argChoices
    ? `:value:(${option.argChoices.join(" ")})`
    : takesValue(option)
      ? ":value:_files"
      : "";
  // Both names of an option exclude each other; an option may come again.
  const names = flags.length > 1 ? `(${flags.join(" ")})${flags.at(-1)}` : `*${flags[0]}`;
  return `${names}[${said}]${value}`;
}

function fish(commands: readonly Completed[]): string {
  const lines = commands.flatMap(({ path, commands: below, options, files }) => {
    const words = path.split(" ").filter((word) => word !== "");
    const inside = words.map((word) => `__fish_seen_subcommand_from ${word}`);
    const names = below.map(({ name }) => name).join(" ");
    const here = [...inside, ...(names === "" ? [] : [`not __fish_seen_subcommand_from ${names}`])].join("; and ");
    const when = `complete -c sluice -n ${quoted(here)}`;
    return [
      ...below.map(({ name, description }) => `${when} -f -a ${name} -d ${quoted(description)}`),
      ...(files || names !== "" ? [] : [`${when} -f`]),
      ...options.map((option) => `${when} ${fishOption(option)}`),
    ];
  });
  return lines.join("\n");
}

/**
 * An option as `complete` takes it: `-x` needs one of the values, `-r` any value, which may be a
 * file.
 */
function fishOption({ short, long, description, argChoices, required, optional }: Option): string {
  return [
    ...(short === undefined ? [] : [`-s ${short.slice(1)}`]),
    ...(long === undefined ? [] : [`-l ${long.slice(2)}`]),
    ...(argChoices ? [`-x -a ${quoted(argChoices.join(" "))}`] : required || optional ? ["-r"] : []),
    `-d ${quoted(description)}`,
  ].join(" ");
}

/** A text as one word of any of these shells. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
