/**
 * The requests of SpecTcl's REST service about gates: `gate/…`, `apply/…` and `ungate`, with the
 * words of its errors. Part of the handlers of rest-service.ts. Changes gates, and the gates of
 * spectra.
 */
import { globMatcher } from '../protocol/spectcl/glob.js';
import type { GateDefinition } from './gate-condition.js';
import type { Gates } from './gates.js';
import { pointsOf, ServiceError, type Query } from './service-error.js';
import type { Flavour } from './spectrum-definition.js';
import type { SpectrumStore } from './spectrum-store.js';
import type { TraceLog } from './trace-log.js';

export interface GateServices {
  readonly flavour: Flavour;
  readonly store: SpectrumStore;
  readonly gates: Gates;
  readonly traces: TraceLog;
}

const POINTS_MIN: Readonly<Record<string, number>> = { b: 2, c: 3, gb: 2, gc: 3 };

export function listGates({ gates }: GateServices, query: Query): unknown {
  const isSelected = globMatcher(query.get('pattern') ?? '*');
  return gates.all.filter(({ name }) => isSelected(name));
}

export function editGate({ gates, store, traces }: GateServices, query: Query): void {
  const gate = gateOf(query);
  const parameters = new Set(
    store.spectra.flatMap(({ definition }) => definition.axes.map(({ parameter }) => parameter)),
  );
  const unknown = gate.parameters?.find((parameter) => !parameters.has(parameter));
  if (unknown !== undefined) throw new ServiceError('command failed', `${unknown} is not a parameter`);
  const missing = gate.gates?.find((part) => gates.get(part) === undefined);
  if (missing !== undefined) throw new ServiceError('command failed', `${missing} is not a gate`);
  const isNew = gates.set(gate);
  traces.record('gate', `${isNew ? 'add' : 'changed'} ${gate.name}`);
}

export function deleteGate({ gates, traces }: GateServices, query: Query): void {
  const name = query.get('name');
  if (name === undefined) throw new ServiceError('missing parameter', 'name');
  if (!gates.delete(name)) throw new ServiceError('not found', name);
  traces.record('gate', `delete ${name}`);
}

export function listApplications({ store, flavour }: GateServices, query: Query): unknown {
  const isSelected = globMatcher(query.get('pattern') ?? '*');
  return store.spectra
    .filter(({ definition }) => isSelected(definition.name))
    .filter(({ definition }) => definition.gate !== undefined || flavour === 'rustogramer')
    .map(({ definition }) => ({ spectrum: definition.name, gate: definition.gate ?? null }));
}

export function applyGate({ gates, store }: GateServices, query: Query): void {
  const gate = query.get('gate');
  const spectra = query.all('spectrum');
  if (gate === undefined) throw new ServiceError('Missing parameter', 'gate');
  if (spectra.length === 0) throw new ServiceError('Missing  parameter', 'spectrum');
  if (gates.get(gate) === undefined)
    throw new ServiceError("'apply' command failed", `No such gate: ${gate}`);
  for (const name of spectra) {
    if (!store.setGate(name, gate))
      throw new ServiceError("'apply' command failed", `No such spectrum: ${name}`);
  }
}

export function ungate({ store }: GateServices, query: Query): void {
  const names = query.all('name');
  if (names.length === 0) throw new ServiceError('Missing parameter', 'name');
  for (const name of names) {
    if (!store.setGate(name, undefined))
      throw new ServiceError("'ungate' command failed", `No such spectrum: ${name}`);
  }
}

/** The gate that a request describes; throws SpecTcl's errors about its parameters. */
function gateOf(query: Query): GateDefinition {
  const name = required(query, 'name', 'missing Parameter');
  const type = required(query, 'type', 'missing Parameter');
  switch (type) {
    case 'T':
    case 'F':
      return { name, type };
    case '*':
    case '+':
    case '-':
      return { name, type, gates: partsOf(query, type) };
    case 'b':
    case 'c':
      return {
        name,
        type,
        parameters: [required(query, 'xparameter'), required(query, 'yparameter')],
        points: enoughPoints(query, type),
      };
    case 'gb':
    case 'gc':
      return { name, type, parameters: parametersIn(query), points: enoughPoints(query, type) };
    case 's':
    case 'gs':
      return {
        name,
        type,
        parameters: parametersIn(query),
        low: numberIn(query, 'low'),
        high: numberIn(query, 'high'),
      };
    case 'em':
    case 'am':
    case 'nm':
      return { name, type, parameters: parametersIn(query), value: numberIn(query, 'value') };
    case 'c2band':
      throw new ServiceError('command failed', 'the simulator has no gates of type c2band');
    default:
      throw new ServiceError('bad parameter', `Invalid gate type: ${type}`);
  }
}

function required(query: Query, name: string, status = 'missing parameter'): string {
  const value = query.get(name);
  if (value === undefined) throw new ServiceError(status, name);
  return value;
}

function parametersIn(query: Query): readonly string[] {
  required(query, 'parameter');
  return query.all('parameter');
}

function partsOf(query: Query, type: string): readonly string[] {
  required(query, 'gate');
  const parts = query.all('gate');
  if (type !== '-' || parts.length === 1) return parts;
  throw new ServiceError('bad parameter', `- gate can only take one gate: ${parts.join(', ')}`);
}

function numberIn(query: Query, name: string): number {
  const text = required(query, name);
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) {
    throw new ServiceError('command failed', `expected floating-point number but got "${text}"`);
  }
  return value;
}

function enoughPoints(query: Query, type: string): GateDefinition['points'] & object {
  const points = pointsOf(query);
  if (points.length >= (POINTS_MIN[type] ?? 0)) return points;
  throw new ServiceError('insufficient points', points.map(({ x, y }) => `{${x} ${y}}`).join(' '));
}
