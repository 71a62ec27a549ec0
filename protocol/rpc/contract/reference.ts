/**
 * Generates the reference of the XML-RPC contract as Markdown. `npm run docs` writes it to
 * `docs/xml-rpc-methods.md`; a test compares the two. Pure.
 */
import { rightText, signaturesOf, type Method } from '../xml-rpc/contract.js';
import { CONTRACT } from './methods.js';

const HEAD = `# XML-RPC methods

Generated from the contract by \`npm run docs\`. Encoding, faults, authentication and sessions: [xml-rpc.md](xml-rpc.md);
what each right permits, and to whom: [security.md](security.md).
`;

export function contractReference(): string {
  const groups = new Map<string, string[]>();
  for (const [name, method] of Object.entries(CONTRACT as Readonly<Record<string, Method>>)) {
    const group = name.split('.')[0] ?? name;
    groups.set(group, [...(groups.get(group) ?? []), section(name, method)]);
  }
  const body = [...groups].map(([group, sections]) => `## ${group}.*\n\n${sections.join('\n')}`);
  return `${HEAD}\n${body.join('\n')}`;
}

function section(name: string, method: Method): string {
  const parameters = method.params.map(({ name, schema, doc, optional }) => {
    return `- \`${name}\`${optional ? ' (optional)' : ''}: ${doc} — ${escapeMarkdown(schema.doc)}`;
  });
  const signatures = signaturesOf(method).map(
    ([returns, ...params]) => `\`${returns} ${name}(${params.join(', ')})\``,
  );
  return [
    `### ${name}`,
    '',
    escapeMarkdown(method.doc),
    '',
    `Needs the right ${rightText(method)}.`,
    '',
    ...signatures,
    '',
    ...parameters,
    `- returns ${escapeMarkdown(method.returns.doc)}`,
    '',
  ].join('\n');
}

/** Escapes the characters that Markdown or the formatter would interpret. */
function escapeMarkdown(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('*', '\\*').replaceAll('<', '&lt;');
}
