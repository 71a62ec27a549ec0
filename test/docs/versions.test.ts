/** The table of versions on docs/versions.md against the constants of the code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { packageFolder } from '../../protocol/base/installation.js';
import { PROTOCOL_VERSION } from '../../protocol/base/version.js';
import { PARCEL_VERSION } from '../../protocol/nats/parcel.js';
import { FLOW_FILE_VERSION } from '../../protocol/flow/flow-file/layout.js';
import { LINK_VERSION } from '../../protocol/flow/signal-link/messages.js';
import { WIRE_VERSION } from '../../protocol/flow/wire/handshake-messages.js';
import { CONTROL_VERSION } from '../../protocol/rpc/security/control-handshake.js';

describe('the page of versions', () => {
  it('the page names the version of every format as the code has it', () => {
    const rows = readFileSync(join(packageFolder(), 'docs', 'versions.md'), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('|'))
      .map((line) => line.split('|').map((cell) => cell.trim()));
    const versionOf = (beginning: string): string | undefined =>
      rows.find(([, format]) => format?.startsWith(beginning) === true)?.[2];
    expect(versionOf('calls between the processes')).to.equal(String(PROTOCOL_VERSION));
    expect(versionOf('calls between hosts')).to.equal(String(CONTROL_VERSION));
    expect(versionOf('[wire]')).to.equal(String(WIRE_VERSION));
    expect(versionOf('[flow file]')).to.equal(String(FLOW_FILE_VERSION));
    expect(versionOf('[parcels]')).to.equal(String(PARCEL_VERSION));
    expect(versionOf('[signal link]')).to.equal(String(LINK_VERSION));
  });
});
