/** The port manager's list: both line ends, Tcl quoting, and nothing taken that is not a list. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { ServiceListReader, splitTclList } from '../../../protocol/spectcl/service-list.js';

const read = (text: string) => new ServiceListReader().push(Buffer.from(text));

describe('service list', () => {
  for (const end of ['\r\n', '\n']) {
    it(`a service list is read with lines that end in ${JSON.stringify(end)}`, () => {
      const lines = ['OK 2', '8000 SpecTcl_REST fox', '8001 {SpecTcl MIRROR} {first last}', ''];
      expect(read(lines.join(end))).to.deep.equal({
        kind: 'complete',
        services: [
          { port: 8000, service: 'SpecTcl_REST', user: 'fox' },
          { port: 8001, service: 'SpecTcl MIRROR', user: 'first last' },
        ],
      });
    });
  }

  it('a service list is the same, however its bytes are cut', () => {
    const bytes = Buffer.from('OK 3\r\n1 a b\r\n2 {c d} e\r\n3 f {}\r\n');
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.byteLength)), (places) => {
        const reader = new ServiceListReader();
        const at = [0, ...places, bytes.byteLength].sort((a, b) => a - b);
        at.slice(1).forEach((end, index) => reader.push(bytes.subarray(at[index], end)));
        expect(reader.state).to.deep.equal(read(bytes.toString()));
        expect(reader.state.kind).to.equal('complete');
      }),
    );
  });

  it('a service list is incomplete until the announced lines have arrived', () => {
    expect(read('OK 0\n')).to.deep.equal({ kind: 'complete', services: [] });
    expect(read('OK 1\n').kind).to.equal('incomplete');
    expect(read('OK 1\n80 a b').kind).to.equal('incomplete');
  });

  it('a FAIL is distinguished from an invalid answer', () => {
    expect(read('FAIL not now\r\n')).to.deep.equal({ kind: 'failed', text: 'FAIL not now' });
    for (const garbage of [
      'HTTP/1.1 400 Bad Request\r\n',
      'OK many\n',
      'OK 99999\n',
      'OK 1\n80 a\n',
      'OK 1\n0 a b\n',
      'OK 1\n70000 a b\n',
      'OK 1\n80 {a b\n',
      'x'.repeat(5000),
    ]) {
      expect(read(garbage).kind, garbage.slice(0, 40)).to.equal('bad');
    }
  });

  it('any invalid answer is refused without throwing and within limits', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), (pieces) => {
        const reader = new ServiceListReader();
        for (const piece of pieces) reader.push(piece);
        expect(reader.state.kind).to.be.oneOf(['incomplete', 'bad', 'failed', 'complete']);
      }),
    );
    const endless = new ServiceListReader();
    endless.push(Buffer.from('OK 65536\n'));
    const lines = Buffer.from(`1 ${'a'.repeat(4000)} b\n`.repeat(100));
    for (let round = 0; round < 20; round++) endless.push(lines);
    expect(endless.state.kind).to.equal('bad');
  });

  it('a Tcl list is split as Tcl splits it', () => {
    expect(splitTclList('a {b {c} d} "e f" g\\ h {}')).to.deep.equal(['a', 'b {c} d', 'e f', 'g h', '']);
    expect(splitTclList('  a\t b ')).to.deep.equal(['a', 'b']);
    expect(splitTclList('{a \\} b}')).to.deep.equal(['a \\} b']);
    expect(splitTclList('"open')).to.equal(undefined);
  });
});
