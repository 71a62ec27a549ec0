/**
 * The application's flow files as this process reads them: who owns them, what they are, what their
 * counters say.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../protocol/base/clock.js';
import { systemCode } from '../../protocol/base/errors.js';
import { FLOW_FLAGS } from '../../protocol/flow/flow-file/layout.js';
import { inspectFlowFile, openFlowFile, openFlowHeader } from '../../protocol/flow/flow-file/open.js';
import { isName } from '../../protocol/base/names.js';
import { isAlive, ownIdentity } from '../../protocol/base/owner-identity.js';
import { stopForeign } from '../../protocol/host/process-kit/foreign-process.js';
import { SPECTRA, type FlowDefinition } from './flow-definition.js';

const SUFFIX = '.flow';

/** The process id of the living owner of the flow file at `path`. */
export function livingOwner(path: string): number | undefined {
  const state = inspectFlowFile(path);
  return state.kind === 'owned' ? state.pid : undefined;
}

/** Ends the owner of the flow file at `path`, whoever that is by now. */
export async function stopOwner(path: string, clock: Clock): Promise<void> {
  let owner;
  try {
    ({ owner } = openFlowFile(path, 'read'));
  } catch {
    return; // It has gone with its file, or never was a flow's.
  }
  await stopForeign(owner, clock);
}

/** The properties of the flow in the file at `path`, JSON. */
export function propertiesIn(path: string): string {
  return JSON.stringify(openFlowFile(path, 'read').identity.properties);
}

/** A flow of an earlier app server, found by its file. */
interface FoundFlow {
  readonly definition: FlowDefinition;
  /**
   * Whether its duplicator lives; one that died is started again for whoever comes back to the
   * flow, and takes the file over.
   */
  readonly living: boolean;
}

/**
 * The flows in `directory` that an earlier app server has left: those that run, and those of
 * providers whose duplicators died since the boot.
 */
export function findFlows(directory: string, application: string): FoundFlow[] {
  return namesIn(directory)
    .filter((name) => name.endsWith(SUFFIX) && isName(name.slice(0, -SUFFIX.length)))
    .map((name) => flowIn(join(directory, name), name.slice(0, -SUFFIX.length), application))
    .filter((found) => found !== undefined);
}

function flowIn(path: string, flow: string, application: string): FoundFlow | undefined {
  try {
    const { identity, geometry, flags, owner } = openFlowHeader(path);
    if (identity.application !== application || identity.flow !== flow) return undefined;
    const living = isAlive(owner);
    const base = { flow, type: identity.type, properties: JSON.stringify(identity.properties) };
    if ((flags & FLOW_FLAGS.mirror) !== 0 || flow === SPECTRA)
      return living ? { definition: { ...base, direction: 'input' }, living } : undefined;
    if (!living && owner.bootId !== ownIdentity().bootId) return undefined;
    const sizes = { bufferSize: geometry.payloadCapacity, buffers: geometry.slotCount };
    return { definition: { ...base, direction: 'output', sizes }, living };
  } catch {
    return undefined; // It is none, or went away between the two looks.
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}
