/**
 * Reads the application's flow files (the rings in shared memory that duplicators own): who owns a
 * file, what flow it holds, which flows an earlier app server has left. Used by `flow-table.ts`,
 * `duplicators.ts` and `subscription.ts`. Reads and lists files, writes none.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../../protocol/base/errors.js';
import { FLOW_FLAGS } from '../../protocol/flow/flow-file/layout.js';
import { inspectFlowFile, readFlowHeader } from '../../protocol/flow/flow-file/open.js';
import type { LinkSignal } from '../../protocol/rpc/contract/option-members.js';
import { isName } from '../../protocol/base/names.js';
import { isAlive, ownIdentity } from '../../protocol/base/owner-identity.js';
import { SPECTRA, type FlowDefinition } from './flow-definition.js';

const SUFFIX = '.flow';

/** The process id of the living owner of the flow file at `path`. */
export function livingOwner(path: string): number | undefined {
  const state = inspectFlowFile(path);
  return state.kind === 'owned' ? state.pid : undefined;
}

/** What only the flow file at `path` states about its flow. */
export function readDefinition(path: string): Pick<FlowDefinition, 'properties' | 'signal'> {
  const { identity, flags } = readFlowHeader(path);
  return { properties: JSON.stringify(identity.properties), signal: signalOf(flags) };
}

function signalOf(flags: number): LinkSignal {
  return (flags & FLOW_FLAGS.datagrams) === 0 ? 'stream' : 'datagram';
}

/** A flow that an earlier app server has left behind, known by its file. */
interface LeftFlow {
  readonly definition: FlowDefinition;
  /**
   * Whether its duplicator lives. For a dead one, the next client that opens the flow starts a
   * duplicator, which takes the file over.
   */
  readonly living: boolean;
}

/**
 * The flows in `directory` that an earlier app server has left: those whose duplicators run, and
 * those of providers whose duplicators died since the machine was booted.
 */
export function findFlows(directory: string, application: string): LeftFlow[] {
  return fileNames(directory)
    .filter((name) => name.endsWith(SUFFIX) && isName(name.slice(0, -SUFFIX.length)))
    .map((name) => flowIn(join(directory, name), name.slice(0, -SUFFIX.length), application))
    .filter((flow) => flow !== undefined);
}

function flowIn(path: string, flow: string, application: string): LeftFlow | undefined {
  try {
    const { identity, geometry, flags, owner } = readFlowHeader(path);
    if (identity.application !== application || identity.flow !== flow) return undefined;
    const living = isAlive(owner);
    const base = { flow, type: identity.type, properties: JSON.stringify(identity.properties) };
    if ((flags & FLOW_FLAGS.mirror) !== 0 || flow === SPECTRA)
      return living ? { definition: { ...base, direction: 'input' }, living } : undefined;
    if (!living && owner.bootId !== ownIdentity().bootId) return undefined;
    const sizes = { bufferSize: geometry.payloadCapacity, buffers: geometry.slotCount };
    return { definition: { ...base, direction: 'output', sizes, signal: signalOf(flags) }, living };
  } catch {
    return undefined; // No flow file, or removed between the listing and this read.
  }
}

function fileNames(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}
