/**
 * Encodes metrics in Prometheus' text exposition format 0.0.4: families of samples, each with its
 * help and type. `metrics.ts` decides what is in them. Pure.
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
 * The text of all families that have samples. The format forbids samples with equal labels; of such
 * the highest is kept.
 */
export function expositionText(families: readonly Family[]): string {
  const texts = families.filter(({ samples }) => samples.length > 0).map(familyText);
  return `${texts.join('\n')}\n`;
}

function familyText({ name, type, help, samples }: Family): string {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
  for (const [labels, value] of highestByLabels(samples)) lines.push(`${name}${labels} ${numberText(value)}`);
  return lines.join('\n');
}

function highestByLabels(samples: readonly Sample[]): Map<string, number> {
  const values = new Map<string, number>();
  for (const { labels, value } of samples) {
    const text = labelText(labels);
    values.set(text, Math.max(value, values.get(text) ?? value));
  }
  return values;
}

function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

/** The format escapes backslash, quote and line feed. */
function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function numberText(value: number): string {
  return Number.isFinite(value) ? String(value) : 'NaN';
}
