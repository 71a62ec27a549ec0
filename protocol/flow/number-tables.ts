/**
 * The numbers that programs in other languages need, as Markdown: faults, refusals of the signal
 * link, counters of a flow file. `npm run docs` writes them to `docs/numbers.md`; a test compares
 * the two. Pure.
 */
import { ERROR_CODES, type ErrorCode } from '../base/errors.js';
import { COUNTERS, GAUGES } from './flow-file/counters.js';
import { LINK_REFUSALS, type LinkRefusal } from './signal-link/refusals.js';

/** When each code is used. */
const MEANINGS: Readonly<Record<ErrorCode, string>> = {
  PARSE_ERROR: 'not a complete XML-RPC document',
  METHOD_NOT_FOUND: 'no method of this name',
  INVALID_PARAMETERS: 'a parameter, option or value outside what the method takes',
  APPLICATION_ERROR: 'a mistake of the program that answers; also every number that is not in this table',
  TRANSPORT_ERROR: 'a server cannot be reached, or its connection was lost',
  BAD_NAME: 'not a name of an application, flow, client, host or program',
  BAD_ADDRESS: 'not an address, or one that cannot be used here',
  BAD_OPTION: 'an option with a value that is not allowed, or of an unknown name',
  BAD_CONFIGURATION: 'a configuration file that cannot be used',
  UNKNOWN_APPLICATION: 'no application of this name',
  APPLICATION_EXISTS: 'another application has this name or this source',
  APPLICATION_UNREACHABLE: 'the app server of an application does not answer',
  UNKNOWN_FLOW: 'no flow of this name',
  FLOW_BUSY: 'the flow has a provider already',
  WRONG_FLOW_TYPE: 'the flow is of another type than requested',
  UNKNOWN_SESSION: 'the session has ended: present the client again',
  REFUSED: 'the request cannot be fulfilled in this way; between hosts also a wrong secret',
  UNKNOWN_SPECTRUM: 'no spectrum of this name',
  NOT_A_MIRROR: 'the flow has no image',
  UNKNOWN_CLIENT: 'no client of this name',
  UNKNOWN_PROGRAM: 'no registered program of this name',
  UNKNOWN_HOST: 'no host of this name',
  ALREADY_RUNNING: 'another server owns the runtime directory',
  NOT_RUNNING: 'the server or application does not run',
  START_FAILED: 'a child process did not become ready',
  CHILD_DIED: 'a child process has ended unexpectedly',
  STOPPED: 'the process was stopped meanwhile',
  TIMED_OUT: 'not within the time that was stated',
  CLOSED: 'the object or connection was closed',
  SOURCE_UNREACHABLE: 'the source of a flow, a SpecTcl or another host, cannot be reached',
  SOURCE_PROTOCOL: 'the source has violated its protocol',
  SOURCE_REFUSED: 'the source has answered with an error',
  TOO_LARGE: 'more bytes than allowed, or than fit',
  NO_SPACE: 'no space in the file system',
  LIMIT_REACHED: 'as many as allowed exist already',
  FILE_CORRUPT: 'a file that is damaged or incomplete',
  FILE_OWNED: 'a file that another living process owns',
  VERSION_MISMATCH: 'the other side uses another version; both are named',
  NOT_PERMITTED: 'the caller does not have the right',
  ADDRESS_IN_USE: 'another program listens there',
  BAD_MESSAGE: 'a message that violates the protocol',
  SYSTEM_ERROR: 'an error of the operating system',
};

const HEAD = `# Numbers

Generated from the code by \`npm run docs\`, for programs in other languages: see [attach](attach.md).
`;

export function numberTables(): string {
  return [HEAD, faults(), refusals(), counters()].join('\n');
}

function faults(): string {
  const rows = Object.entries(ERROR_CODES).map(
    ([code, number]) => `| ${number} | \`${code}\` | ${MEANINGS[code as ErrorCode]} |`,
  );
  return `## Faults

The numbers of XML-RPC faults, of REFUSED on the [signal link](signal-link.md) and [between hosts](wire.md) (as 32-bit two's
complement), and of exceptions.

| number | code | when |
| --- | --- | --- |
${rows.join('\n')}
`;
}

function refusals(): string {
  const rows = Object.entries(LINK_REFUSALS).map(([code, when]) => {
    const number = ERROR_CODES[code as LinkRefusal];
    return `| \`0x${(number >>> 0).toString(16).padStart(8, '0')}\` | \`${code}\` | ${when} |`;
  });
  return `## REFUSED on the signal link

The duplicator closes the link behind it.

| detail | code | when |
| --- | --- | --- |
${rows.join('\n')}
`;
}

function counters(): string {
  const rows = Object.entries(COUNTERS)
    .toSorted(([, one], [, other]) => one.id - other.id)
    .map(([name, { id, help }]) => {
      return `| ${id} | ${256 + 8 * id} | \`${name}\` | ${GAUGES.has(name) ? 'rises and falls' : 'rises'} | ${help} |`;
    });
  return `## Counters

Counters of a [flow file](flow-file.md): u64 at 256 + 8 × number.

| number | at | name | value | meaning |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}
