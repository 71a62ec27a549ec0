/**
 * The consumers of a flow as its file shows them, with the names of their clients. Used by the
 * handlers of `flow.consumers` and of the statistics. Pure: rows and openings come in.
 */
import { wallClockNs } from '../../protocol/base/clock.js';
import type { ConsumerRow } from '../../protocol/flow/flow-file/consumer-table.js';
import type { FlowConsumer } from '../../protocol/rpc/contract/statistics.js';
import type { Opening } from '../flows/openings.js';

const US_PER_MS = 1000;
const NS_PER_US = 1000n;

/** The consumers in a flow file, at one moment. */
export interface ConsumersOfFile {
  /** Sequences below this number can be read. */
  readonly published: number;
  readonly rows: readonly ConsumerRow[];
}

export function consumersOf(
  { published, rows }: ConsumersOfFile,
  openings: readonly Opening[],
): FlowConsumer[] {
  return rows.map((row) => {
    const opening = row.remote ? undefined : openings.find(({ link }) => link === row.client);
    return {
      ...(opening === undefined ? {} : { client: opening.client.presentation.name }),
      ...(row.pid === 0 ? {} : { pid: row.pid }),
      ...figuresOf(row, published),
    };
  });
}

/** The figures of one consumer. `published`: of the same flow file, loaded after the row. */
export function figuresOf(row: ConsumerRow, published: number): Omit<FlowConsumer, 'client' | 'pid'> {
  const { acknowledged, delivery, holds, missed, paused, remote } = row;
  return {
    remote,
    delivery,
    paused,
    acknowledged,
    lag: Math.max(0, published - acknowledged),
    missed,
    holding: row.holdingSinceUs > 0,
    holds,
    heldMs: heldMsOf(row),
  };
}

/** Time that a consumer has held the flow back until now; the wall clock may have been set back. */
function heldMsOf({ heldUs, holdingSinceUs }: ConsumerRow): number {
  const nowUs = Number(wallClockNs() / NS_PER_US);
  const present = holdingSinceUs === 0 ? 0 : Math.max(0, nowUs - holdingSinceUs);
  return Math.round((heldUs + present) / US_PER_MS);
}
