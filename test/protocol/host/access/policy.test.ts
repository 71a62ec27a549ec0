/** The modes, groups and access lists of each access option. Pure: accounts of the test. */
import { expect } from 'chai';
import type { Accounts } from '../../../../protocol/host/access/accounts.js';
import { readDocument } from '../../../../protocol/host/process-kit/option-table.js';
import { accessOptions, type AccessOptions } from '../../../../protocol/rpc/contract/access-options.js';
import { encodeAccessList } from '../../../../protocol/host/access/access-list.js';
import {
  accessList,
  accessPolicy,
  modeOf,
  type GrantedKind,
} from '../../../../protocol/host/access/policy.js';
import { USER_RIGHTS } from '../../../../protocol/base/rights.js';
import { thrownBy } from '../../flow/flow-file/place.js';

const accounts: Accounts = {
  user: (name) => ({ alice: 1001, bob: 1002 })[name],
  group: (name) => ({ lab: 200, daq: 201, foreign: 300 })[name],
  ownGroups: new Set([200, 201]),
};
const policy = (options: AccessOptions) => accessPolicy(options, accounts);
const KINDS = ['flow file', 'image', 'directory'] as const;
const octal = (options: AccessOptions, kinds: readonly GrantedKind[]): string =>
  kinds.map((kind) => modeOf(policy(options), kind).toString(8)).join(' ');
const sockets = (options: AccessOptions): string =>
  octal(
    options,
    USER_RIGHTS.map((right) => `${right} socket` as const),
  );
const tokens = (options: AccessOptions): string =>
  octal(
    options,
    USER_RIGHTS.map((right) => `${right} token` as const),
  );

describe('access policy of an application', () => {
  it('without options the owner provides and controls, and its group reads', () => {
    expect(octal({}, KINDS)).to.equal('640 640 750');
    expect(sockets({})).to.equal('660 600 600');
    expect(tokens({})).to.equal('640 600 600');
    expect(policy({})).to.deep.include({ gid: undefined, passage: false, named: [] });
  });

  it('the access modes private and everyone set who reads, and leave providing and control to the owner', () => {
    expect(octal({ mode: 'private' }, KINDS)).to.equal('600 600 700');
    expect(sockets({ mode: 'private' })).to.equal('600 600 600');
    expect(octal({ mode: 'everyone' }, KINDS)).to.equal('644 644 755');
    expect(sockets({ mode: 'everyone' })).to.equal('666 600 600');
    expect(tokens({ mode: 'everyone' })).to.equal('644 600 600');
    expect(policy({ mode: 'everyone' }).passage).to.equal(true);
    expect(policy({ mode: 'private' }).passage).to.equal(false);
  });

  it('a stated group owns the files and passes through the shared directories', () => {
    expect(policy({ group: 'lab' })).to.deep.include({ gid: 200, passage: true });
  });

  it('members of the group provide or control by the mode, without an access list', () => {
    const given: AccessOptions = { group: 'lab', providers: ['@lab'] };
    expect(octal(given, KINDS)).to.equal('660 640 750');
    expect(sockets(given)).to.equal('660 660 600');
    expect(sockets({ group: 'lab', control: ['@lab'] })).to.equal('660 660 660');
    expect(accessList(policy(given), 'flow file')).to.deep.equal([]);
  });

  it('other accounts stand in the access list by number, each once with its greatest right', () => {
    const given = policy({ readers: ['alice', '@lab', 'bob'], providers: ['bob'], control: ['@daq'] });
    const listed = (kind: GrantedKind): string =>
      accessList(given, kind)
        .map((entry) => `${entry.kind} ${entry.id} ${entry.bits}`)
        .join(', ');
    expect(listed('flow file')).to.equal('user 1001 4, group 200 4, user 1002 6, group 201 6');
    expect(listed('image')).to.equal('user 1001 4, group 200 4, user 1002 4, group 201 4');
    expect(listed('read socket')).to.equal('user 1001 6, group 200 6, user 1002 6, group 201 6');
    expect(listed('provide socket')).to.equal('user 1002 6, group 201 6');
    expect(listed('control socket')).to.equal('group 201 6');
    expect(listed('provide token')).to.equal('user 1002 4, group 201 4');
    expect(listed('directory')).to.contain('user 1001 5');
  });

  it('an access list has the bytes that the kernel reads', () => {
    const bytes = encodeAccessList(0o640, [
      { kind: 'group', id: 7, bits: 4 },
      { kind: 'user', id: 65_534, bits: 6 },
    ]);
    expect(bytes.toString('hex')).to.equal(
      '02000000' + // version
        '01000600ffffffff' + // owner rw
        '02000600feff0000' + // user 65534 rw
        '04000400ffffffff' + // owning group r
        '0800040007000000' + // group 7 r
        '10000600ffffffff' + // mask rw
        '20000000ffffffff', // others
    );
  });

  for (const [options, message] of [
    [{ group: 'nobodies' }, 'no group nobodies'],
    [{ readers: ['carol'] }, 'no user carol'],
    [{ providers: ['@carol'] }, 'no group carol'],
    [{ group: 'foreign' }, 'no member'],
    [{ mode: 'private', group: 'lab' }, 'private'],
  ] as const) {
    it(`access is refused that the machine cannot grant: ${JSON.stringify(options)}`, () => {
      const error = thrownBy(() => policy(options as AccessOptions));
      expect([error.code, error.message.includes(message)]).to.deep.equal(['BAD_OPTION', true]);
    });
  }

  for (const text of [
    '{',
    '[]',
    '{"mode":"world"}',
    '{"readers":["a b"]}',
    '{"readers":["-x"]}',
    '{"owner":"me"}',
  ]) {
    it(`access is refused that is no valid document: ${text}`, () => {
      expect(thrownBy(() => readDocument(accessOptions, text)).code).to.equal('BAD_OPTION');
    });
  }
});
