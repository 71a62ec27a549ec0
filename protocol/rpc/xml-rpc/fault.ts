/**
 * Converts a MirrorflowError to the struct of an XML-RPC fault and back, for the codec and the
 * servers. The code becomes its number, the message stays. The facts are a third member, `facts`,
 * which XML-RPC does not allow and strict clients refuse: it is sent only to callers that read it,
 * namely sessions and HTTP requests with the header below. Pure.
 */
import {
  codeOfFault,
  ERROR_CODES,
  MirrorflowError,
  type ErrorCode,
  type ErrorFacts,
} from '../../base/errors.js';
import { isStruct, printableInXml, type RpcStruct, type RpcValue } from './values.js';

/** Faults in response to an HTTP request with this header, of any value, include `facts`. */
export const FACTS_HEADER = 'x-mirrorflow-facts';

/** Longer messages are cut, further facts left out. */
const MESSAGE_CHARACTERS_MAX = 8192;
const FACTS_MAX = 64;

/** The struct of a fault. It can be encoded whatever the message and the facts contain. */
export function faultStruct(code: number, message: string, facts: ErrorFacts = {}): RpcStruct {
  const struct: RpcStruct = { faultCode: code, faultString: printable(message) };
  const entries = Object.entries(facts).slice(0, FACTS_MAX);
  if (entries.length === 0) return struct;
  struct['facts'] = Object.fromEntries(
    entries.map(([key, value]): [string, RpcValue] => [printable(key), encodableFact(value)]),
  );
  return struct;
}

/**
 * The error that a received fault represents. A fault number that is not in the table of codes is
 * kept as the fact `faultCode`.
 */
export function errorOfFault(fault: RpcValue): MirrorflowError {
  if (!isStruct(fault) || typeof fault['faultCode'] !== 'number') {
    return new MirrorflowError('PARSE_ERROR', 'not an XML-RPC document: a fault without faultCode');
  }
  const faultCode = fault['faultCode'];
  const message = typeof fault['faultString'] === 'string' ? fault['faultString'] : `fault ${faultCode}`;
  const code: ErrorCode = codeOfFault(faultCode);
  const facts = factsOf(fault['facts']);
  return new MirrorflowError(
    code,
    message,
    faultCode === ERROR_CODES[code] ? facts : { ...facts, faultCode },
  );
}

/** An error thrown by a handler, as it is sent to the caller: with its message, without a stack. */
export function errorForCaller(thrown: unknown): MirrorflowError {
  if (thrown instanceof MirrorflowError) return thrown;
  const message = thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
  return new MirrorflowError('APPLICATION_ERROR', message, {}, thrown);
}

function printable(text: string): string {
  return printableInXml(
    text.length > MESSAGE_CHARACTERS_MAX ? `${text.slice(0, MESSAGE_CHARACTERS_MAX)} ...` : text,
  );
}

function encodableFact(value: unknown): RpcValue {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  return printable(String(value));
}

function factsOf(value: unknown): ErrorFacts {
  if (!isStruct(value)) return {};
  const facts: Record<string, string | number | boolean> = {};
  for (const [key, fact] of Object.entries(value)) {
    if (key === '__proto__') continue;
    if (typeof fact === 'string' || typeof fact === 'number' || typeof fact === 'boolean') facts[key] = fact;
  }
  return facts;
}
