/**
 * What happens outside of the page when an alarm is raised or cleared: a webhook, a command, or
 * both. Only the host's configuration file sets it, under `alarms`; the host server checks the
 * member with the whole file, and the web viewer reads it from there. Pure.
 *
 * | member      | type   | meaning                                                                  |
 * | ----------- | ------ | ------------------------------------------------------------------------ |
 * | `webhook`   | object | `url`, http or https, gets a POST; `tokenFile`: sent as bearer token      |
 * | `command`   | object | `program`, an absolute path, with `arguments`; runs without a shell      |
 * | `timeoutMs` | number | of one attempt, 100 to 60,000; default 10,000                            |
 */
import { NO_JSON, type JsonSchema } from '../rpc/xml-rpc/json-schema.js';
import { describeValue, isStruct } from '../rpc/xml-rpc/values.js';

export interface AlarmActions {
  readonly webhook?: { readonly url: string; readonly tokenFile?: string };
  readonly command?: { readonly program: string; readonly arguments: readonly string[] };
  readonly timeoutMs: number;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const TIMEOUT_MIN_MS = 100;
const TIMEOUT_MAX_MS = 60_000;
const ARGUMENTS_MAX = 64;
const TEXT_CHARACTERS_MAX = 4_096;

const TEXT_JSON: JsonSchema = { type: 'string', maxLength: TEXT_CHARACTERS_MAX, pattern: '^[^\\u0000]*$' };
const PATH_JSON: JsonSchema = { ...TEXT_JSON, pattern: '^/[^\\u0000]*$' };

/** What `readAlarmActions` accepts, but for addresses that only look right. */
export const ALARM_ACTIONS_JSON: JsonSchema = {
  type: 'object',
  properties: {
    webhook: {
      type: 'object',
      properties: {
        url: { type: 'string', pattern: String.raw`^https?://[^\s/?#@\\]+(?:[/?#]\S*)?$` },
        tokenFile: PATH_JSON,
      },
      required: ['url'],
      additionalProperties: false,
    },
    command: {
      type: 'object',
      properties: {
        program: PATH_JSON,
        arguments: { type: 'array', maxItems: ARGUMENTS_MAX, items: TEXT_JSON },
      },
      required: ['program'],
      additionalProperties: false,
    },
    timeoutMs: { type: 'number', minimum: TIMEOUT_MIN_MS, maximum: TIMEOUT_MAX_MS },
  },
  additionalProperties: false,
  // One of the two at least: not an object in which neither may stand.
  not: { properties: { webhook: NO_JSON, command: NO_JSON } },
};

/** Gets the key of a problem, and the value with what is allowed. */
type Refuse = (key: string, message: string) => void;

/** Undefined, after at least one call of `refuse`, for a value that is not valid. */
export function readAlarmActions(value: unknown, key: string, refuse: Refuse): AlarmActions | undefined {
  const members = readMembers(value, key, ['webhook', 'command', 'timeoutMs'], refuse);
  if (members === undefined) return undefined;
  const { webhook, command, timeoutMs = DEFAULT_TIMEOUT_MS } = members;
  if (webhook === undefined && command === undefined) {
    refuse(key, 'must have a webhook or a command');
    return undefined;
  }
  const hook = webhook === undefined ? undefined : readWebhook(webhook, `${key}.webhook`, refuse);
  const run = command === undefined ? undefined : readCommand(command, `${key}.command`, refuse);
  if (!isTimeout(timeoutMs)) {
    refuse(
      `${key}.timeoutMs`,
      `must be a number from ${TIMEOUT_MIN_MS} to ${TIMEOUT_MAX_MS}, and is ${describeValue(timeoutMs)}`,
    );
    return undefined;
  }
  if ((webhook !== undefined && hook === undefined) || (command !== undefined && run === undefined)) {
    return undefined;
  }
  return { timeoutMs, ...(hook && { webhook: hook }), ...(run && { command: run }) };
}

function readWebhook(value: unknown, key: string, refuse: Refuse): AlarmActions['webhook'] {
  const members = readMembers(value, key, ['url', 'tokenFile'], refuse);
  if (members === undefined) return undefined;
  const { url, tokenFile } = members;
  const parsed = typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !['http:', 'https:'].includes(parsed.protocol)) {
    refuse(
      `${key}.url`,
      `must be an address that begins with http:// or https://, and is ${describeValue(url)}`,
    );
    return undefined;
  }
  if (parsed.username !== '' || parsed.password !== '') {
    refuse(`${key}.url`, 'must not have a user or a password; a token comes from tokenFile');
    return undefined;
  }
  if (tokenFile === undefined) return { url: parsed.href };
  if (!isAbsolute(tokenFile)) {
    refuse(`${key}.tokenFile`, `must be an absolute path, and is ${describeValue(tokenFile)}`);
    return undefined;
  }
  return { url: parsed.href, tokenFile };
}

function readCommand(value: unknown, key: string, refuse: Refuse): AlarmActions['command'] {
  const members = readMembers(value, key, ['program', 'arguments'], refuse);
  if (members === undefined) return undefined;
  const { program, arguments: args = [] } = members;
  if (!isAbsolute(program)) {
    refuse(`${key}.program`, `must be an absolute path, and is ${describeValue(program)}`);
    return undefined;
  }
  if (!Array.isArray(args) || args.length > ARGUMENTS_MAX || !args.every(isText)) {
    refuse(
      `${key}.arguments`,
      `must be an array of at most ${ARGUMENTS_MAX} texts, and is ${describeValue(args)}`,
    );
    return undefined;
  }
  return { program, arguments: args };
}

function readMembers(
  value: unknown,
  key: string,
  known: readonly string[],
  refuse: Refuse,
): { readonly [name: string]: unknown } | undefined {
  if (!isStruct(value)) {
    refuse(key, `must be an object with ${known.join(', ')}, and is ${describeValue(value)}`);
    return undefined;
  }
  const unknown = Object.keys(value).filter((name) => !known.includes(name));
  for (const name of unknown) {
    refuse(`${key}.${name.slice(0, 80)}`, `is not known; the keys are ${known.join(', ')}`);
  }
  return unknown.length > 0 ? undefined : value;
}

function isAbsolute(value: unknown): value is string {
  return isText(value) && value.startsWith('/');
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= TEXT_CHARACTERS_MAX && !value.includes('\0');
}

function isTimeout(value: unknown): value is number {
  return typeof value === 'number' && value >= TIMEOUT_MIN_MS && value <= TIMEOUT_MAX_MS;
}
