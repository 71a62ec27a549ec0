/**
 * MirrorflowError to and from the struct of a fault. The code travels as its number, the message as
 * it is. The facts travel in a third member, `facts`, which XML-RPC forbids and strict clients
 * refuse: it goes only to callers that are known to read it (our sessions, and HTTP requests with
 * the header below).
 */
import {
  codeOfFault,
  ERROR_CODES,
  MirrorflowError,
  type ErrorCode,
  type ErrorFacts,
} from '../../base/errors.js';
import { isStruct, printableInXml, type RpcStruct, type RpcValue } from './values.js';

/** An HTTP request that carries this header, with any value, gets `facts` in its faults. */
export const FACTS_HEADER = 'x-mirrorflow-facts';

const MESSAGE_CHARACTERS = 8192;
const FACT_COUNT = 64;

/** The struct of a fault. Whatever the message and the facts hold, the result can be encoded. */
export function faultStruct(code: number, message: string, facts: ErrorFacts = {}): RpcStruct {
  const struct: RpcStruct = { faultCode: code, faultString: shown(message) };
  const entries = Object.entries(facts).slice(0, FACT_COUNT);
  if (entries.length === 0) return struct;
  struct['facts'] = Object.fromEntries(
    entries.map(([key, value]): [string, RpcValue] => [shown(key), plainFact(value)]),
  );
  return struct;
}

/**
 * The error that a received fault stands for. A number that is not ours stays readable as the fact
 * `faultCode`.
 */
export function errorOfFault(fault: RpcValue): MirrorflowError {
  if (!isStruct(fault) || typeof fault['faultCode'] !== 'number') {
    return new MirrorflowError('PARSE_ERROR', 'not an XML-RPC document: a fault without its code');
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

/**
 * What a handler threw, as the error that its caller gets: the message goes out, the stack stays.
 */
export function errorForCaller(thrown: unknown): MirrorflowError {
  if (thrown instanceof MirrorflowError) return thrown;
  const message = thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
  return new MirrorflowError('APPLICATION_ERROR', message, {}, thrown);
}

function shown(text: string): string {
  return printableInXml(text.length > MESSAGE_CHARACTERS ? `${text.slice(0, MESSAGE_CHARACTERS)} ...` : text);
}

function plainFact(value: unknown): RpcValue {
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  return shown(String(value));
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
