/** The methods every XML-RPC server has by custom: introspection and several calls in one. */
import { ERROR_CODES, MirrorflowError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { method, param } from './contract.js';
import { errorForCaller, faultStruct } from './fault.js';
import { any, arrayOf, bytes, int, string, struct } from './schema.js';
import { NONCE_BYTES, PROOF_BYTES } from '../security/proof.js';
import { isStruct, type RpcValue } from './values.js';

const methodName = string({ maxCharacters: 128, doc: 'a method name' });

/** Defined beside the contracts of the servers, which must not define names of `system.*`. */
export const systemContract = {
  'system.listMethods': method({
    doc: 'The names of all methods of this server.',
    params: [],
    returns: arrayOf(string()),
  }),
  'system.methodSignature': method({
    doc: 'The signatures of a method: for each number of parameters, an array of type names, the result first.',
    params: [param('method', methodName, 'the method asked about')],
    returns: arrayOf(arrayOf(string())),
  }),
  'system.methodHelp': method({
    doc: 'What a method does, takes and returns.',
    params: [param('method', methodName, 'the method asked about')],
    returns: string(),
  }),
  'system.multicall': method({
    doc: 'Runs several calls, one after another. The result has one entry per call: an array of its one result, or the struct of its fault.',
    params: [
      param(
        'calls',
        arrayOf(any(), { maxCount: LIMITS.rpcMulticallCalls }),
        'structs of methodName (string) and params (array)',
      ),
    ],
    returns: arrayOf(any()),
  }),
};

/**
 * What proves the shared secret over HTTP: the only methods that need no authentication, and are
 * not served elsewhere.
 */
export const authenticationContract = {
  'system.challenge': method({
    doc:
      'Begins to prove the shared secret over HTTP; needs no authentication. The server answers with a nonce of its own and its proof: ' +
      'HMAC-SHA-256 with the secret over "mirrorflow", "rpc", "listener", both nonces and an empty text; the texts each preceded by their length, ' +
      'u32 little-endian.',
    params: [
      param('nonce', bytes({ maxBytes: NONCE_BYTES }), `${NONCE_BYTES} random bytes, fresh for every call`),
    ],
    returns: struct({ nonce: bytes({ maxBytes: NONCE_BYTES }), proof: bytes({ maxBytes: PROOF_BYTES }) }),
  }),
  'system.authenticate': method({
    doc:
      'Ends it; needs no authentication. The proof is that of system.challenge with "caller" instead of "listener". Returns a token that is sent as ' +
      'Basic password or Bearer with every call, and ends when it is not used for idleMs milliseconds.',
    params: [
      param('nonce', bytes({ maxBytes: NONCE_BYTES }), 'the nonce that system.challenge returned'),
      param('proof', bytes({ maxBytes: PROOF_BYTES }), 'the proof of the caller'),
    ],
    returns: struct({ token: string({ maxCharacters: 64 }), idleMs: int({ min: 1 }) }),
  }),
};

/** Runs the calls of a multicall in their order. A failing one does not stop those behind it. */
export async function runMulticall(
  calls: readonly RpcValue[],
  dispatch: (method: string, params: readonly RpcValue[]) => Promise<RpcValue>,
): Promise<RpcValue[]> {
  const results: RpcValue[] = [];
  for (const call of calls) {
    try {
      const { method, params } = readCall(call);
      results.push([await dispatch(method, params)]);
    } catch (thrown) {
      const { code, message } = errorForCaller(thrown);
      results.push(faultStruct(ERROR_CODES[code], message));
    }
  }
  return results;
}

function readCall(call: RpcValue): { method: string; params: readonly RpcValue[] } {
  const { methodName: method, params = [] } = isStruct(call) ? call : {};
  if (typeof method !== 'string' || !Array.isArray(params)) {
    throw new MirrorflowError(
      'INVALID_PARAMETERS',
      'a call of system.multicall is a struct of methodName (string) and params (array)',
    );
  }
  if (method === 'system.multicall') {
    throw new MirrorflowError('INVALID_PARAMETERS', 'system.multicall cannot call itself');
  }
  return { method, params };
}
