/** The modes, groups and access lists of each access option. Pure: accounts of the test. */
import { expect } from 'chai';
import type { Accounts } from '../../../../protocol/host/access/accounts.js';
import { readDocument } from '../../../../protocol/host/process-kit/option-table.js';
import { accessOptions, type AccessOptions } from '../../../../protocol/rpc/contract/access-options.js';
import { accessList, accessPolicy } from '../../../../protocol/host/access/policy.js';
import { thrownBy } from '../../flow/flow-file/place.js';

const accounts: Accounts = {
  user: (name) => ({ alice: 1001, bob: 1002 })[name],
  group: (name) => ({ lab: 200, daq: 201, foreign: 300 })[name],
  ownGroups: new Set([200, 201]),
};
const policy = (options: AccessOptions) => accessPolicy(options, accounts);
const octal = (options: AccessOptions): string =>
  Object.values(policy(options).modes)
    .map((mode) => mode.toString(8))
    .join(' ');

describe('access policy of an application', () => {
  it('without options the owner has access and its group reads', () => {
    expect(octal({})).to.equal('640 640 660 750');
    expect(policy({})).to.deep.include({ gid: undefined, passage: false, readers: [], providers: [] });
  });

  it('the access modes private and everyone set the modes of files, sockets and directories', () => {
    expect(octal({ mode: 'private' })).to.equal('600 600 600 700');
    expect(octal({ mode: 'everyone' })).to.equal('644 644 666 755');
    expect(policy({ mode: 'everyone' }).passage).to.equal(true);
    expect(policy({ mode: 'private' }).passage).to.equal(false);
  });

  it('a stated group owns the files and passes through the shared directories', () => {
    expect(policy({ group: 'lab' })).to.deep.include({ gid: 200, passage: true });
  });

  it('members of the group provide by the mode, without an access list', () => {
    const given = policy({ group: 'lab', providers: ['@lab'] });
    expect(given.modes['flow file'].toString(8)).to.equal('660');
    expect(given.modes.image.toString(8)).to.equal('640');
    expect(accessList(given, 'flow file')).to.equal('');
  });

  it('other accounts stand in the access list by number, with their rights for each kind of file', () => {
    const given = policy({ readers: ['alice', '@lab', 'bob'], providers: ['bob', '@daq'] });
    expect(accessList(given, 'flow file')).to.equal('u:1001:r,g:200:r,u:1002:rw,g:201:rw');
    expect(accessList(given, 'image')).to.equal('u:1001:r,g:200:r,u:1002:r,g:201:r');
    expect(accessList(given, 'socket')).to.equal('u:1001:rw,g:200:rw,u:1002:rw,g:201:rw');
    expect(accessList(given, 'directory')).to.contain('u:1001:rx');
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
