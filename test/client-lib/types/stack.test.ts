/** Stacks of layers: their names in a flow's identity, and which flows they read and write. */
import { expect } from 'chai';
import {
  array,
  bytes,
  compressed,
  isMirrorflowError,
  json,
  type FlowLayer,
} from '../../../client-lib/index.js';
import { checkStack, encodedBytes, stackIdentity } from '../../../client-lib/types/stack.js';

function layer(name: string, metadataBytes = 8, inner?: FlowLayer): FlowLayer {
  return { name, metadataBytes, ...(inner === undefined ? {} : { inner }) };
}

function fits(type: FlowLayer, direction: 'input' | 'output', provided: FlowLayer): boolean {
  const found = JSON.parse(JSON.stringify(stackIdentity(provided))) as ReturnType<typeof stackIdentity>;
  try {
    checkStack(type, direction, { flow: 'f', ...found });
    return true;
  } catch (error) {
    if (isMirrorflowError(error, 'WRONG_FLOW_TYPE')) return false;
    throw error;
  }
}

describe('a stack of layers', () => {
  it('a stack is named from the outer layer in, with the properties of each layer under its name', () => {
    expect(stackIdentity(compressed(array('f64', [64, 64])))).to.deep.equal({
      type: 'deflate/array',
      properties: { deflate: { maxBytes: 64 * 64 * 8 + 32 }, array: { kind: 'f64', shape: [64, 64] } },
    });
    expect(stackIdentity(json())).to.deep.equal({ type: 'json', properties: {} });
  });

  it('the size of a stack includes the metadata of all layers', () => {
    expect(encodedBytes(compressed(array('f64')), 100)).to.equal(140);
    expect(encodedBytes(bytes(), 100)).to.equal(100);
  });

  it('a stack with bad or repeated names, unaligned metadata or endless layers is refused', () => {
    const endless: { name: string; metadataBytes: number; inner?: FlowLayer } = {
      name: 'a',
      metadataBytes: 0,
    };
    endless.inner = endless;
    for (const type of [
      layer('a/b'),
      layer(''),
      layer('a', 4),
      layer('a', -8),
      layer('a', 0, layer('a')),
      layer('x'.repeat(65)),
      compressed(compressed(json())),
      endless,
    ]) {
      expect(() => stackIdentity(type))
        .to.throw()
        .with.property('code', 'BAD_OPTION');
    }
  });

  it('a stack reads a flow with the same names and with properties that its layers accept', () => {
    expect(fits(json(), 'input', json())).to.equal(true);
    expect(fits(json(), 'input', compressed(json()))).to.equal(false);
    expect(fits(array('f32'), 'input', array('f64'))).to.equal(false);
    expect(fits(array('f64'), 'input', array('f64', [3]))).to.equal(true);
    expect(fits(array('f64', [3]), 'input', array('f64'))).to.equal(true);
    expect(fits(array('f64', [3]), 'input', array('f64', [4]))).to.equal(false);
    expect(fits(array('f64', [3]), 'input', array('f64', [3, 1]))).to.equal(false);
    const most = (maxBytes: number): FlowLayer => compressed(json(), { maxBytes });
    expect(fits(most(10), 'input', most(10))).to.equal(true);
    expect(fits(most(10), 'input', most(9))).to.equal(true);
    expect(fits(most(10), 'input', most(11))).to.equal(false);
    expect(fits(layer('mine'), 'input', { ...layer('mine'), properties: { a: 1 } })).to.equal(false);
  });

  it('a stack writes only to a flow with equal names and properties', () => {
    expect(fits(array('f64', [3]), 'output', array('f64', [3]))).to.equal(true);
    expect(fits(array('f64', [3]), 'output', array('f64'))).to.equal(false);
    expect(fits(compressed(json()), 'output', json())).to.equal(false);
  });

  it('a flow with malformed properties is a WRONG_FLOW_TYPE', () => {
    for (const properties of [
      { array: null },
      { array: [] },
      { array: 'f64' },
      { array: { kind: 'f64', shape: 7 } },
    ]) {
      expect(() => checkStack(array('f64', [3]), 'input', { flow: 'f', type: 'array', properties }))
        .to.throw()
        .with.property('code', 'WRONG_FLOW_TYPE');
    }
  });
});
