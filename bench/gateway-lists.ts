/**
 * The lists of a SpecTcl whose header is full, with 10,000 spectra: as a viewer of the gateway gets
 * them, beside the source; and the spectra that the client library decodes from the header. Rows of
 * the benchmark `gateway`; starts a real system.
 */
import { fetchText } from './fetch-text.js';
import { withGateway, type GatewayCase } from './gateway-system.js';
import { makeRow, type Row } from './report.js';
import { elapsedMs, pause } from './system.js';

const SPECTRA = 10_000;
const FULL: GatewayCase = {
  mebibytes: 8,
  // With the checksum spectrum.
  options: ['--spectra', String(SPECTRA - 1), '--fillers-only', '--rate', '0', '--no-delay'],
};
const LISTS = ['spectrum/list?filter=*', 'sbind/list?pattern=*', 'specstats?pattern=*'];
/** The gateway asks the source again for lists of this age. */
const CACHED_MS = 300;

export function measureLists(repetitions: number): Promise<Row[]> {
  return withGateway(FULL, async (gateway, source, client) => {
    const rows: Row[] = [];
    const mirror = await client.mirror();
    await fetchText(gateway.restPort, 'sbind/list');
    for (const list of LISTS) {
      const through: number[] = [];
      const direct: number[] = [];
      for (let repetition = 0; repetition < repetitions; repetition += 1) {
        direct.push(await elapsedMs(() => listed(source.restPort, list)));
        await pause(CACHED_MS);
        through.push(await elapsedMs(() => listed(gateway.restPort, list)));
      }
      const [name = ''] = list.split('?');
      const peer = { name: 'at the source', values: direct };
      rows.push(makeRow('gateway', `10,000 spectra: ${name}`, 'ms', through, peer));
    }
    const decoded: number[] = [];
    for (let repetition = 0; repetition < repetitions; repetition += 1) {
      decoded.push(await elapsedMs(async () => checkCount(mirror.spectra.list().length)));
    }
    rows.push(makeRow('gateway', '10,000 spectra: decoded by the library', 'ms', decoded));
    return rows;
  });
}

async function listed(port: number, request: string): Promise<void> {
  const { detail } = JSON.parse(await fetchText(port, request)) as { readonly detail: readonly unknown[] };
  checkCount(detail.length);
}

function checkCount(count: number): void {
  if (count !== SPECTRA) throw new Error(`${count} spectra are listed; ${SPECTRA} are defined`);
}
