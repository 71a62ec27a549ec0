/** Parsing a command line of `mirrorflow`: words, options, help and errors. Pure. */
import { expect } from 'chai';
import { parseCommandLine, type Parsed } from '../../console/command-line.js';
import { COMMANDS } from '../../console/commands/table.js';
import { hintFor } from '../../console/output.js';
import { isMirrorflowError } from '../../protocol/base/errors.js';

const parse = (...words: string[]): Promise<Parsed> => parseCommandLine(words, COMMANDS);

async function command(...words: string[]): Promise<{ name: string; values: object; globals: object }> {
  const parsed = await parse(...words);
  if (parsed.kind !== 'command') throw new Error(`no command: ${parsed.text}`);
  return { name: parsed.command.name, values: parsed.values, globals: parsed.globals };
}

async function refusal(...words: string[]): Promise<string> {
  try {
    await parse(...words);
  } catch (error) {
    if (isMirrorflowError(error, 'BAD_OPTION')) return `${error.message} - ${hintFor(error) ?? ''}`;
    throw error;
  }
  throw new Error('it was taken');
}

describe('the command line', () => {
  it('a command gets its words and options', async () => {
    const { name, values } = await command('show', 'ge.00', '--app', 'e1', '--watch', '--scale=log');
    expect(name).to.equal('show');
    expect(values).to.include({ name: 'ge.00', app: 'e1', watch: true, scale: 'log' });
  });

  it('global options may stand before and after the command', async () => {
    const expected = { directory: '/tmp/x', json: true, noColour: true };
    expect((await command('--json', '--directory', '/tmp/x', '--no-colour', 'apps')).globals).to.deep.equal(
      expected,
    );
    expect((await command('apps', '--no-colour', '--json', '--directory=/tmp/x')).globals).to.deep.equal(
      expected,
    );
    expect((await command('--directory', 'apps', 'flows', '--app', 'e1')).name).to.equal('flows');
  });

  it('names may look like numbers and values may begin with a minus', async () => {
    expect((await command('show', '007')).values).to.include({ name: '007' });
    expect((await command('show', 'tof', '--range', '-150:-20')).values).to.include({ range: '-150:-20' });
  });

  it('an unknown command is refused with the closest known one', async () => {
    expect(await refusal('apss')).to.equal('there is no command "apss" - did you mean `mirrorflow apps`?');
    expect(await refusal('frobnicate')).to.contain('mirrorflow --help');
  });

  it('an unknown option is refused with the closest known one, before missing words are reported', async () => {
    expect(await refusal('show', '--watsh', 'x')).to.equal(
      'show has no option --watsh - did you mean --watch?',
    );
    expect(await refusal('apps', '--jsn')).to.contain('--json');
    expect(await refusal('apps', '--app', 'x')).to.contain('apps has no option --app');
  });

  it('a former option name is refused with the present one', async () => {
    expect(await refusal('start', '--interval', '50')).to.equal(
      'start has no option --interval: its name is --update-interval - mirrorflow start --help lists the options',
    );
    expect((await command('start', '--update-interval', '50')).values).to.include({
      'update-interval': '50',
    });
    expect((await command('top', '--interval', '500')).values).to.include({ interval: '500' });
  });

  it('surplus words, missing words and values that are no choice are refused', async () => {
    expect(await refusal('apps', 'all')).to.contain('no further word "all"');
    expect(await refusal('show')).to.contain('show needs a NAME');
    expect(await refusal('show', 'x', '--scale', 'cubic')).to.contain('cubic');
    expect(await refusal('show', 'x', '--app')).to.contain('app');
    expect(await refusal('-x')).to.not.equal('');
  });

  it('every command has a help with examples that parse', async () => {
    for (const { name, examples } of COMMANDS) {
      for (const words of [
        [name, '--help'],
        ['help', name],
      ]) {
        const parsed = await parse(...words);
        if (parsed.kind !== 'help') throw new Error(`no help for ${name}`);
        expect(parsed.asError).to.equal(false);
        expect(parsed.text).to.contain(`mirrorflow ${name}`);
        expect(parsed.text).to.contain('Examples:');
      }
      for (const [words] of examples) {
        const plain = words.replace(/ [<>].*/, '').split(' ');
        expect((await command(...plain)).name, words).to.equal(name);
      }
    }
  });

  it('a command line without a command prints the help as an error', async () => {
    const parsed = await parse();
    if (parsed.kind !== 'help') throw new Error('no help');
    expect(parsed.asError).to.equal(true);
    expect(parsed.text).to.contain('Exit codes: 0 success');
  });

  it('the help fits a narrow terminal', async () => {
    const parsed = await parseCommandLine(['--help'], COMMANDS, 60);
    if (parsed.kind !== 'help') throw new Error('no help');
    for (const line of parsed.text.split('\n')) expect(line.length, line).to.be.at.most(60);
  });
});
