/**
 * The simulation of `growth`: publications pass through an arrangement, host by host, with one
 * process at each that receives, sends to the next hosts one after the other and wakes its viewers.
 * Times vary, and a process that is behind takes the newest publication and leaves out the others,
 * as a mirror does. From the parameters of `growth-model.ts` and a seed. Pure.
 */
import { levelsOf, sendMsOf, type Arrangement, type GrowthParameters } from './growth-model.js';
import { quantile } from './report.js';

export interface Simulated {
  /** Publications a second at the host that gets the fewest. */
  readonly fewestPerSecond: number;
  /** Milliseconds from the update of SpecTcl to the wake-up of the last viewer of a host. */
  readonly ageMs: { readonly median: number; readonly p99: number };
}

/** Time on the wire, without the bytes. */
const LATENCY_MS = 0.1;
/** Processor times vary by this share in both directions. */
const VARIATION = 0.5;
/** Now and then other programs, or a collection of garbage, stop a process. */
const STALL_SHARE = 0.005;
const STALL_MS = 20;
/** Publications before those that count: queues are full then. */
const WARM_UP = 100;

interface Node {
  readonly parent: Node | undefined;
  readonly receiveMs: number;
  readonly sendMs: number;
  readonly viewersMs: number;
  readonly bytes: number;
  /** A SpecTcl or a NATS server has no mirror. */
  readonly isHost: boolean;
  /** Publications that reach it, in order. */
  readonly arrivals: Arrival[];
  readonly children: Node[];
}

interface Arrival {
  readonly number: number;
  readonly atMs: number;
}

export function simulate(
  arrangement: Arrangement,
  parameters: GrowthParameters,
  publications: number,
  seed: number,
): Simulated {
  const intervalMs = 1_000 / parameters.publicationsPerSecond;
  const random = new Random(seed);
  const nodes = nodesOf(arrangement, parameters);
  const [root] = nodes;
  for (let number = 0; number < WARM_UP + publications; number += 1)
    root?.arrivals.push({ number, atMs: number * intervalMs });
  const ages: number[] = [];
  let fewest = Infinity;
  for (const node of nodes) {
    // Parents come first: everything that reaches this node is known.
    const seen = run(node, parameters, random).filter(({ number }) => number >= WARM_UP);
    if (!node.isHost) continue;
    fewest = Math.min(fewest, seen.length);
    for (const { number, atMs } of seen) ages.push(atMs - number * intervalMs);
  }
  return {
    fewestPerSecond: (fewest / publications) * parameters.publicationsPerSecond,
    ageMs: { median: quantile(ages, 0.5), p99: quantile(ages, 0.99) },
  };
}

/** Returns when the viewers of each publication were woken; adds the arrivals of the children. */
function run(node: Node, { networkBytesPerSecond }: GrowthParameters, random: Random): Arrival[] {
  const wireMs = (node.bytes / networkBytesPerSecond) * 1_000;
  const seen: Arrival[] = [];
  let freeMs = 0;
  for (let next = 0; next < node.arrivals.length; next += 1) {
    const first = node.arrivals[next];
    if (first === undefined) break;
    let now = Math.max(first.atMs, freeMs);
    // The newest that has arrived; those before it are left out.
    while ((node.arrivals[next + 1]?.atMs ?? Infinity) <= now) next += 1;
    const { number } = node.arrivals[next] ?? first;
    now += random.duration(node.receiveMs) + random.stall();
    let wireFreeMs = now;
    for (const child of node.children) {
      now += random.duration(node.sendMs);
      wireFreeMs = Math.max(now, wireFreeMs) + wireMs;
      child.arrivals.push({ number, atMs: wireFreeMs + LATENCY_MS });
    }
    now += random.duration(node.viewersMs);
    seen.push({ number, atMs: now });
    freeMs = Math.max(now, wireFreeMs);
  }
  return seen;
}

/** Parents before their children. */
function nodesOf(arrangement: Arrangement, parameters: GrowthParameters): Node[] {
  const { hosts, viewers, fanOut, sourceMs, receiveMs, viewerMs, serverCores } = parameters;
  const sendMs = sendMsOf(parameters);
  const nodes: Node[] = [];
  const add = (parent: Node | undefined, given: Partial<Node>): Node => {
    const node: Node = {
      parent,
      receiveMs,
      sendMs,
      viewersMs: (viewers / hosts) * viewerMs,
      bytes: parameters.changeBytes,
      isHost: true,
      arrivals: [],
      children: [],
      ...given,
    };
    parent?.children.push(node);
    nodes.push(node);
    return node;
  };
  const server = { receiveMs: 0, viewersMs: 0, isHost: false };
  switch (arrangement) {
    case 'SpecTcl': {
      const sendsMs = parameters.spectclMs / serverCores;
      const spectcl = add(undefined, { ...server, sendMs: sendsMs, bytes: parameters.updateBytes });
      for (let host = 0; host < hosts; host += 1) add(spectcl, { receiveMs: sourceMs });
      break;
    }
    case 'NATS': {
      const source = add(undefined, { receiveMs: sourceMs, sendMs: 0 });
      const publisher = add(source, { ...server, receiveMs: parameters.natsPublishMs, sendMs: 0 });
      const hub = add(publisher, { ...server, sendMs: parameters.natsSendMs / serverCores });
      for (let host = 1; host < hosts; host += 1) add(hub, {});
      break;
    }
    case 'direct':
    case 'relayed': {
      let above = [add(undefined, { receiveMs: sourceMs })];
      const width = arrangement === 'direct' ? Math.max(1, hosts - 1) : fanOut;
      for (const count of levelsOf(hosts, width).slice(1))
        above = Array.from({ length: count }, (_, index) => add(above[Math.floor(index / width)], {}));
    }
  }
  return nodes;
}

/** The same numbers for the same seed: xorshift with 32 bits. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0 || 1;
  }

  /** A time around `ms`. */
  duration(ms: number): number {
    return ms * (1 - VARIATION + 2 * VARIATION * this.#next());
  }

  stall(): number {
    return this.#next() < STALL_SHARE ? STALL_MS : 0;
  }

  #next(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return (state >>> 0) / 2 ** 32;
  }
}
