/**
 * Prometheus' text exposition format 0.0.4: families of samples, each with its help and type. Pure.
 */

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly samples: readonly Sample[];
}

/**
 * Families without samples are left out. Of samples with the same labels, which the format forbids,
 * the highest is told.
 */
export function expositionText(families: readonly Family[]): string {
  const told = families.filter(({ samples }) => samples.length > 0).map(familyText);
  return `${told.join('\n')}\n`;
}

function familyText({ name, type, help, samples }: Family): string {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
  for (const [labels, value] of highest(samples)) lines.push(`${name}${labels} ${numberText(value)}`);
  return lines.join('\n');
}

function highest(samples: readonly Sample[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const { labels, value } of samples) {
    const text = labelText(labels);
    found.set(text, Math.max(value, found.get(text) ?? value));
  }
  return found;
}

function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

/** Backslash, quote and line feed are the three that the format escapes. */
function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function numberText(value: number): string {
  return Number.isFinite(value) ? String(value) : 'NaN';
}
