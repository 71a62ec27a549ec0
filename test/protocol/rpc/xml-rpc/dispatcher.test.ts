/** Schemas, contract and dispatcher: every call ends with a checked result or with one error. */
import { expect } from 'chai';
import { MirrorflowError, type ErrorCode } from '../../../../protocol/base/errors.js';
import { LIMITS } from '../../../../protocol/base/limits.js';
import { decodeResponse, encodeResponse } from '../../../../protocol/rpc/xml-rpc/codec.js';
import { callerOf } from '../../../../protocol/rpc/xml-rpc/contract.js';
import type { RpcValue } from '../../../../protocol/rpc/xml-rpc/values.js';
import { Sample, sample } from './sample-contract.js';

const FLOW = { name: 'spectra', role: 'consumer', rates: [1, 2.5] };
const context = { caller: 'test' };

describe('dispatcher', () => {
  let served: Sample;
  beforeEach(() => {
    served = new Sample();
  });

  const dispatch = async (method: string, ...params: RpcValue[]): Promise<RpcValue> =>
    decodeResponse(encodeResponse(await served.dispatcher.dispatch(method, params, context)));

  async function expectRefused(code: ErrorCode, text: string, method: string, ...params: RpcValue[]) {
    const error: unknown = await dispatch(method, ...params).then(
      () => new Error('it was not refused'),
      (thrown: unknown) => thrown,
    );
    expect(error).to.be.instanceOf(MirrorflowError);
    expect((error as MirrorflowError).code).to.equal(code);
    expect((error as MirrorflowError).message).to.include(text);
    return error as MirrorflowError;
  }

  it('a handler is called with checked parameters and the context of the caller', async () => {
    expect(await dispatch('sample.describe', 'e23001', FLOW)).to.deep.equal({
      text: 'e23001/spectra consumer 2 for test',
      facts: { caller: 'test' },
    });
    expect(await dispatch('sample.add', 1, 2)).to.equal(3);
    expect(await dispatch('sample.add', 1, 2, 3)).to.equal(6);
  });

  it('a typed caller returns results of the contract’s types', async () => {
    const call = callerOf(sample, {
      call: (method, params) => dispatch(method, ...params),
    });
    const sum: number = await call('sample.add', [4, 5]);
    const { text, noted } = await call('sample.describe', [
      'app',
      { name: 'f', role: 'provider', rates: [], note: 'x' },
    ]);
    expect([sum, text, noted]).to.deep.equal([9, 'app/f provider 0 for test', true]);
  });

  it('a wrong parameter is reported with method, path, expected type and value found', async () => {
    const error = await expectRefused(
      'INVALID_PARAMETERS',
      'sample.describe: flow.rates[1] must be a double, and is the string "x"',
      'sample.describe',
      'app',
      { ...FLOW, rates: [1, 'x'] },
    );
    expect(error.facts).to.deep.equal({
      method: 'sample.describe',
      parameter: 'flow',
      path: 'flow.rates[1]',
      expected: 'a double',
    });
  });

  it('parameters of wrong count, range, member, name or length are refused', async () => {
    const describe = 'sample.describe';
    await expectRefused('INVALID_PARAMETERS', 'takes 2 to 3 parameters (a, b, [c]), not 1', 'sample.add', 1);
    await expectRefused('INVALID_PARAMETERS', 'at least 0', 'sample.add', -1, 2);
    await expectRefused('INVALID_PARAMETERS', 'b must be', 'sample.add', 1, 2.5);
    await expectRefused('INVALID_PARAMETERS', '"provider"', describe, 'app', { ...FLOW, role: 'x' });
    await expectRefused('INVALID_PARAMETERS', 'no member "roll"', describe, 'app', { ...FLOW, roll: 1 });
    await expectRefused('INVALID_PARAMETERS', 'flow.name', describe, 'app', { role: 'consumer', rates: [] });
    await expectRefused('INVALID_PARAMETERS', 'at most 3', describe, 'app', { ...FLOW, rates: [1, 2, 3, 4] });
    await expectRefused('INVALID_PARAMETERS', '10 characters', describe, 'app', {
      ...FLOW,
      note: 'x'.repeat(11),
    });
    await expectRefused('BAD_NAME', '../etc', describe, '../etc', FLOW);
    await expectRefused('INVALID_PARAMETERS', 'bytes', 'sample.reverse', 'text');
  });

  it('a method without a handler, or a property of Object.prototype, is not found', async () => {
    await expectRefused('METHOD_NOT_FOUND', 'sample.elsewhere', 'sample.elsewhere');
    await expectRefused('METHOD_NOT_FOUND', 'constructor', 'constructor');
    await expectRefused('METHOD_NOT_FOUND', '__proto__', '__proto__');
  });

  it('a MirrorflowError of a handler reaches the caller unchanged', async () => {
    const error = await expectRefused('UNKNOWN_FLOW', 'there is no flow x', 'sample.fail', 'ours');
    expect(error.facts).to.deep.equal({ flow: 'x', count: 3 });
    expect(served.lines).to.have.length(0);
  });

  it('any other error of a handler reaches the caller as its message and is logged with its stack', async () => {
    await expectRefused('APPLICATION_ERROR', 'a mistake', 'sample.fail', 'throw');
    await expectRefused('APPLICATION_ERROR', 'a rejected mistake', 'sample.fail', 'reject');
    await expectRefused('APPLICATION_ERROR', 'undefined', 'sample.fail', 'nothing');
    expect(served.logged('a handler failed')).to.have.length(3);
    expect(served.logged('TypeError: a mistake')).to.have.length(1);
  });

  it('a result that breaks the contract or cannot be encoded is an error of the application', async () => {
    await expectRefused('APPLICATION_ERROR', 'result must be a string', 'sample.fail', 'undefined');
    const unsendable = { when: NaN };
    await expectRefused('APPLICATION_ERROR', 'result.when', 'sample.echo', unsendable);
  });

  it('the dispatcher encodes the result of a call once', async () => {
    let reads = 0;
    const value = {
      get counted() {
        reads += 1;
        return 5;
      },
    };
    expect(await dispatch('sample.echo', value)).to.deep.equal({ counted: 5 });
    expect(reads).to.equal(1);
  });

  it('a caller without the right of a method is refused with the right that is missing, also in a multicall', async () => {
    served.right = 'read';
    const needed = 'sample.add needs the right provide, and this caller has read';
    await expectRefused('NOT_PERMITTED', needed, 'sample.add', 1, 2);
    await expectRefused('NOT_PERMITTED', needed, 'sample.add', 'parameters are checked later');
    const [refused] = (await dispatch('system.multicall', [
      { methodName: 'sample.add', params: [1, 2] },
    ])) as RpcValue[];
    expect(refused).to.have.property('faultCode', 66);
    expect(await dispatch('sample.echo', 1)).to.equal(1);
  });

  it('parameters can raise the right that a method needs', async () => {
    served.right = 'provide';
    expect(await dispatch('sample.add', 1, 2)).to.equal(3);
    await expectRefused('NOT_PERMITTED', 'when a is 99, needs the right control', 'sample.add', 99, 1);
    served.right = 'control';
    expect(await dispatch('sample.add', 99, 1)).to.equal(100);
  });

  it('a server lists its methods with signatures and documentation', async () => {
    const methods = (await dispatch('system.listMethods')) as string[];
    expect(methods).to.include.members(['sample.add', 'system.multicall', 'system.listMethods']);
    expect(methods).not.to.include('sample.elsewhere');
    expect(await dispatch('system.methodSignature', 'sample.add')).to.deep.equal([
      ['int', 'int', 'int'],
      ['int', 'int', 'int', 'int'],
    ]);
    const help = await dispatch('system.methodHelp', 'sample.describe');
    expect(help).to.include('Describes a flow.\nNeeds the right read.');
    expect(help).to.include('note?: a string of at most 10 characters');
    await expectRefused('METHOD_NOT_FOUND', 'nope', 'system.methodHelp', 'nope');
  });

  it('a multicall runs its calls in order, and a failing call does not stop the others', async () => {
    const results = await dispatch('system.multicall', [
      { methodName: 'sample.add', params: [1, 2] },
      { methodName: 'sample.fail', params: ['ours'] },
      { methodName: 'system.multicall', params: [[]] },
      'not a call',
      { methodName: 'sample.echo', params: [[]] },
    ]);
    expect((results as RpcValue[])[0]).to.deep.equal([3]);
    expect((results as RpcValue[])[1]).to.deep.equal({
      faultCode: 13,
      faultString: 'UNKNOWN_FLOW: there is no flow x',
    });
    expect((results as RpcValue[])[2]).to.have.property('faultCode', -32602);
    expect((results as RpcValue[])[3]).to.have.property('faultCode', -32602);
    expect((results as RpcValue[])[4]).to.deep.equal([[]]);
  });

  it('a result nested too deep for a multicall fails alone', async () => {
    let deep: RpcValue = 1;
    for (let depth = 0; depth < LIMITS.rpcDepthLevels - 1; depth++) deep = [deep];
    expect(await dispatch('sample.echo', deep)).to.deep.equal(deep);
    const [failed, succeeded] = (await dispatch('system.multicall', [
      { methodName: 'sample.echo', params: [deep] },
      { methodName: 'sample.add', params: [1, 2] },
    ])) as RpcValue[];
    expect(failed).to.have.property('faultString').that.contains('nested deeper');
    expect(succeeded).to.deep.equal([3]);
  });

  it('a multicall whose results exceed the largest body is refused', async () => {
    const call = { methodName: 'sample.echo', params: ['x'.repeat(LIMITS.rpcBodyBytes / 2)] };
    await expectRefused('TOO_LARGE', 'fewer calls', 'system.multicall', [call, call]);
  });

  it('a multicall has at most 256 calls', async () => {
    const call = { methodName: 'sample.add', params: [1, 2] };
    const calls = Array.from({ length: LIMITS.rpcMulticallCalls + 1 }, () => call);
    await expectRefused('INVALID_PARAMETERS', 'at most 256', 'system.multicall', calls);
  });
});
