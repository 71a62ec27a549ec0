/** Every warning of the sources has an entry in docs/warnings.md, and every entry a warning. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { packageFolder } from '../../protocol/base/installation.js';

const ROOMS = [
  'protocol',
  'duplicator',
  'app-server',
  'host-server',
  'client-lib',
  'console',
  'gateway',
  'recorder',
  'web',
  'simulator',
];
/** A call with what its first argument begins with; a text is captured. */
const CALL = /\.(?:warn|#warnOnce)\(\s*(?:(['"`])((?:\\.|(?!\1)[^\\])*)\1)?/gs;
/** Files that pass a text on, with the texts that are no argument of a call there. */
const PASSED_ON: Readonly<Record<string, readonly string[]>> = {
  'protocol/base/rate-limited-log.ts': [],
  'host-server/boot/sd-notify.ts': [
    'NOTIFY_SOCKET is not a path; abstract and vsock addresses are not supported',
  ],
  'app-server/children/application-child.ts': [],
  'app-server/children/gateway-process.ts': [
    'the gateway does not serve',
    'the gateway is not started again',
  ],
  'app-server/children/recorder-process.ts': [
    'the recorder does not run',
    'the recorder is not started again',
  ],
};

/** The texts of all warnings, with `…` for values; a call without a text is an error. */
function warnings(): Set<string> {
  const texts = new Set(Object.values(PASSED_ON).flat());
  for (const room of ROOMS)
    for (const name of readdirSync(join(packageFolder(), room), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts')) continue;
      const file = `${room}/${name}`;
      const source = readFileSync(join(packageFolder(), file), 'utf8');
      for (const [call, , text] of source.matchAll(CALL)) {
        if (text !== undefined) texts.add(text.replaceAll(/\$\{[^}]*\}/g, '…').replaceAll("\\'", "'"));
        else if (PASSED_ON[file] === undefined)
          throw new Error(`${file} has a warning without a text: ${call}`);
      }
    }
  return texts;
}

/** The cells of the rows of the page. */
function entries(): string[][] {
  const page = readFileSync(join(packageFolder(), 'docs', 'warnings.md'), 'utf8');
  return page
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .slice(1, -1)
        .split(' | ')
        .map((cell) => cell.trim()),
    );
}

describe('docs/warnings.md', () => {
  it('every warning has an entry with its meaning and what to do, and no entry is left over', () => {
    const found = entries().map(([message = '']) => message.replaceAll('`', ''));
    expect([...new Set(found)].toSorted()).to.deep.equal([...warnings()].toSorted());
    for (const cells of entries()) {
      expect(cells, cells[0]).to.have.length(3);
      for (const cell of cells) expect(cell, cells[0]).to.not.equal('');
    }
  });

  it('warning texts that are passed as parameters are in the files that are stated', () => {
    for (const [file, texts] of Object.entries(PASSED_ON))
      for (const text of texts) expect(readFileSync(join(packageFolder(), file), 'utf8')).to.contain(text);
  });
});
