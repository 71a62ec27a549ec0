/** Finding vanished hosts in the kernel's table of connections. Pure: texts of the test. */
import { expect } from 'chai';
import { VanishedPeers, unacknowledged } from '../../gateway/vanished-peers.js';

const HEADING =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode';
const row = (remote: string, repetitions: number, probes: number): string =>
  `   1: 0100A8C0:1F41 ${remote} 01 00000000:00000000 02:00000028 0000000${repetitions}     0        ${probes} 921881 1 0 20 4 30 10 -1`;

describe('the detection of vanished viewer hosts', () => {
  it("connections with unacknowledged data or probes are read from the kernel's table", () => {
    const table = [
      HEADING,
      row('0200A8C0:C350', 0, 0),
      row('0300A8C0:C351', 2, 0),
      row('0400A8C0:C352', 0, 1),
      row('0000000000000000FFFF00000500A8C0:C353', 1, 0),
      row('B80D0120000000000000000001000000:C354', 1, 0),
    ].join('\n');
    expect([...unacknowledged(table)]).to.deep.equal([
      '8001 192.168.0.3 50001',
      '8001 192.168.0.4 50002',
      '8001 192.168.0.5 50003',
      '8001 2001:db8::1 50004',
    ]);
  });

  it('a host has vanished when it acknowledged nothing for 6 s in a row', async () => {
    let table = row('0300A8C0:C351', 1, 0);
    const peers = new VanishedPeers(() => Promise.resolve([`${HEADING}\n${table}`]));
    expect([...(await peers.find(0))]).to.deep.equal([]);
    expect([...(await peers.find(5_000))]).to.deep.equal([]);
    table = row('0300A8C0:C351', 0, 0);
    await peers.find(5_500);
    table = row('0300A8C0:C351', 1, 0);
    expect([...(await peers.find(6_000))]).to.deep.equal([]);
    expect([...(await peers.find(12_000))]).to.deep.equal(['8001 192.168.0.3 50001']);
  });
});
