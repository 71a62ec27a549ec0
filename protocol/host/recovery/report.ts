/**
 * The report of the recovery program on a flow file: as JSON for the duplicator, as text for users,
 * and as an exit code. The recovery program writes it, duplicator and console read it. Pure.
 */

/** `repaired` occurs in reports of a repair only, `repairable` in those of a check. */
export type FindingState = 'sound' | 'repairable' | 'repaired' | 'unsound';

export interface Finding {
  /** The part that was checked: `header`, `owner`, `sequences`, `credit`, `state` or `image`. */
  readonly check: string;
  readonly state: FindingState;
  readonly text: string;
}

/**
 * | verdict | meaning | exit code |
 * | --- | --- | --- |
 * | sound, repaired | the flow can continue in this file | 0 |
 * | owned | a living process owns it; nothing was repaired | 1 |
 * | missing | there is no such file | 4 |
 * | repairable | a repair would make it sound | 6 |
 * | replace | it cannot be repaired; the next duplicator of the flow replaces it | 7 |
 */
export type Verdict = 'sound' | 'repairable' | 'repaired' | 'replace' | 'owned' | 'missing';

export const EXIT_OF_VERDICT: Readonly<Record<Verdict, number>> = {
  sound: 0,
  repaired: 0,
  owned: 1,
  missing: 4,
  repairable: 6,
  replace: 7,
};

export interface RecoveryReport {
  readonly file: string;
  readonly verdict: Verdict;
  readonly owner?: { readonly pid: number; readonly alive: boolean };
  readonly flow?: {
    readonly application: string;
    readonly flow: string;
    readonly type: string;
    readonly epoch: number;
    readonly published: number;
    readonly buffers: number;
    readonly bufferSize: number;
    readonly mirror: boolean;
  };
  readonly findings: readonly Finding[];
}

const VERDICTS: Readonly<Record<Verdict, string>> = {
  sound: 'sound',
  repaired: 'repaired: the flow can continue in this file',
  repairable:
    'needs a repair: mirrorflow repair, or the next duplicator of the flow, which repairs it itself',
  replace: 'must be replaced: the next duplicator of the flow does that; mirrorflow clean removes it',
  owned: 'left alone: its owner lives',
  missing: 'does not exist',
};

export function reportLines(report: RecoveryReport): string[] {
  const { file, verdict, owner, flow, findings } = report;
  return [
    `${file}: ${VERDICTS[verdict]}`,
    ...(flow === undefined
      ? []
      : [
          `  flow ${flow.application}/${flow.flow} of type ${flow.type}, ${flow.buffers} buffers of ${flow.bufferSize} bytes, ` +
            `${flow.published} published in epoch ${flow.epoch}`,
        ]),
    ...(owner === undefined ? [] : [`  owner: process ${owner.pid}, ${owner.alive ? 'alive' : 'dead'}`]),
    ...findings.map(({ check, state, text }) => `  ${check}: ${state}: ${text}`),
  ];
}

/** Undefined for any other text: the report comes from another process and is not trusted. */
export function parseReport(text: string): RecoveryReport | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { file, verdict, findings, flow, owner } = value as Partial<Record<keyof RecoveryReport, unknown>>;
  const known = typeof verdict === 'string' && Object.hasOwn(EXIT_OF_VERDICT, verdict);
  if (!known || typeof file !== 'string' || !Array.isArray(findings) || !findings.every(isFinding))
    return undefined;
  const counted = flow === undefined || hasNumber(flow, 'epoch');
  const owned = owner === undefined || hasNumber(owner, 'pid');
  return counted && owned ? (value as RecoveryReport) : undefined;
}

function isFinding(value: unknown): value is Finding {
  if (typeof value !== 'object' || value === null) return false;
  const { check, state, text } = value as Partial<Record<keyof Finding, unknown>>;
  return [check, state, text].every((word) => typeof word === 'string');
}

function hasNumber(value: unknown, name: string): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Record<string, unknown>)[name] === 'number'
  );
}
