/**
 * Writes the completion of `mirrorflow` for bash (4 or newer), from the declared commands.
 *
 * `mirrorflow completion bash` prints it and the Debian package contains it. Pure: returns the
 * script. Names of applications, flows and spectra come from `mirrorflow completion KIND`, which
 * the script runs when the tab key is pressed.
 */
import type { Candidates, ShellCommand } from './shell-words.js';
import { GLOBAL_SHELL_OPTIONS } from './shell-words.js';

const FUNCTIONS = String.raw`# Prints one candidate per line. $1: where they come from. $2: the application.
_mirrorflow_candidates() {
  case $1 in
    =*) printf '%s\n' $(printf '%s' "\${1#=}") ;;
    @*) mirrorflow completion "\${1#@}" \${2:+--app "$2"} 2>/dev/null </dev/null ;;
  esac
}

_mirrorflow() {
  local line=\${COMP_LINE:0:COMP_POINT} current app= command= previous= source= word taken=0 index
  local -a words
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  current=\${words[-1]}
  for ((index = 1; index < \${#words[@]} - 1; index++)); do
    word=\${words[index]}
    if [[ -v _mirrorflow_values["$command $previous"] ]]; then
      [[ $previous == --app ]] && app=$word
      previous=
      continue
    fi
    previous=$word
    case $word in
      --app=*) app=\${word#--app=} ;;
      -*) ;;
      *) if [[ -z $command ]]; then command=$word; else ((taken++)); fi ;;
    esac
  done
  local replaced=$current
  if [[ -v _mirrorflow_values["$command $previous"] ]]; then
    source=\${_mirrorflow_values["$command $previous"]}
  elif [[ $current == --*=* ]]; then
    source=\${_mirrorflow_values["$command \${current%%=*}"]-}
    current=\${current#*=}
  elif [[ $current == -* ]]; then
    source="=\${_mirrorflow_options[":$command"]-}"
  elif [[ -z $command ]]; then
    source="=$_mirrorflow_commands"
  else
    source=\${_mirrorflow_words["$command $taken"]-\${_mirrorflow_words["$command *"]-}}
  fi
  COMPREPLY=()
  if [[ $source == files ]]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
    return
  fi
  while IFS= read -r word; do
    [[ -n $word && $word == "$current"* ]] && COMPREPLY+=("$(printf '%q' "$word")")
  done < <(_mirrorflow_candidates "$source" "$app")
  # Bash replaces what follows the last of its word breaks only.
  local shown=\${replaced%"\${replaced##*[=:]}"}
  shown=\${shown#"\${replaced%"$current"}"}
  [[ -n $shown ]] && COMPREPLY=("\${COMPREPLY[@]#"$shown"}")
}

complete -F _mirrorflow mirrorflow
`.replaceAll('\\${', '${');

export function bashCompletion(commands: readonly ShellCommand[]): string {
  const values: string[] = [];
  const options: string[] = [entry('', GLOBAL_SHELL_OPTIONS.flatMap(({ names }) => names).join(' '), ':')];
  const words: string[] = [];
  for (const { names, value } of GLOBAL_SHELL_OPTIONS)
    if (value !== undefined) values.push(...names.map((name) => entry(` ${name}`, source(value))));
  for (const command of commands) {
    options.push(entry(command.name, command.options.flatMap(({ names }) => names).join(' '), ':'));
    for (const { names, value } of command.options)
      if (value !== undefined)
        values.push(...names.map((name) => entry(`${command.name} ${name}`, source(value))));
    for (const [index, { candidates, repeated }] of command.positionals.entries())
      words.push(entry(`${command.name} ${repeated ? '*' : index}`, source(candidates)));
  }
  return [
    '# Completion of mirrorflow for bash, made from its commands.',
    `_mirrorflow_commands=${quoted(commands.map(({ name }) => name).join(' '))}`,
    table('_mirrorflow_options', 'The options of each command.', options),
    table('_mirrorflow_values', 'Options with a value, and where its candidates come from.', values),
    table('_mirrorflow_words', 'Words without dashes by position; * takes all further ones.', words),
    '',
    FUNCTIONS,
  ].join('\n');
}

/** `=a b` fixed words, `@flow` names from the servers, `files`, empty for none. */
function source(candidates: Candidates): string {
  switch (candidates.kind) {
    case 'fixed':
      return `=${candidates.words.join(' ')}`;
    case 'names':
      return `@${candidates.of}`;
    case 'files':
      return 'files';
    case 'none':
      return '';
    default:
      return candidates satisfies never;
  }
}

function table(name: string, comment: string, entries: readonly string[]): string {
  return `# ${comment}\ndeclare -gA ${name}=(\n${entries.join('\n')}\n)`;
}

/** Bash takes no empty key, so keys of options begin with `prefix`. */
function entry(key: string, value: string, prefix = ''): string {
  return `  [${quoted(prefix + key)}]=${quoted(value)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
