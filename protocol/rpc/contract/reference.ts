/**
 * The reference of the XML-RPC contract as Markdown, made from the contract itself:
 * `docs/xml-rpc-methods.md` is this text.
 */
import { signaturesOf, type Method } from '../xml-rpc/contract.js';
import { CONTRACT } from './methods.js';

const HEAD = `# XML-RPC methods

Made from the contract by \`npm run docs\`; a test keeps the two the same. How calls travel, faults and sessions: [xml-rpc.md](xml-rpc.md).
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
    return `- \`${name}\`${optional ? ' (optional)' : ''}: ${doc} — ${escape(schema.doc)}`;
  });
  const signatures = signaturesOf(method).map(
    ([returns, ...params]) => `\`${returns} ${name}(${params.join(', ')})\``,
  );
  return [
    `### ${name}`,
    '',
    escape(method.doc),
    '',
    ...signatures,
    '',
    ...parameters,
    `- returns ${escape(method.returns.doc)}`,
    '',
  ].join('\n');
}

/** Markdown and the formatter leave these alone then. */
function escape(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('*', '\\*').replaceAll('<', '&lt;');
}
