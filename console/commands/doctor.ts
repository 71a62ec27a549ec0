/**
 * `mirrorflow doctor`: runs the checks of `doctor/` and prints each finding with its remedy.
 *
 * Reads directories, limits and servers of this host; changes nothing.
 */
import { describeError } from '../../protocol/base/errors.js';
import { command } from '../command.js';
import type { Check, Finding, CheckContext } from '../doctor/check.js';
import { EXIT } from '../exit-codes.js';
import type { TextStyle } from '../render/colour.js';
import { printable } from '../render/printable.js';

const STYLES: Readonly<Record<Finding['state'], TextStyle>> = { ok: 'green', warn: 'yellow', fail: 'red' };

interface TitledFinding extends Finding {
  readonly check: string;
}

export const doctorCommand = command({
  name: 'doctor',
  summary: 'check this host; print what is wrong and how to fix it',
  positionals: {},
  options: {
    spectcl: { type: 'string', describe: 'check this SpecTcl too: spectcl://HOST?rest=PORT&mirror=PORT' },
  },
  examples: [
    ['doctor', 'exit code 1 when something fails'],
    ['doctor --json', 'an array of objects: check, state, found, mend'],
  ],
  async run({ output, env, directory, signal }, { spectcl }) {
    const [installation, machine, running] = await Promise.all([
      import('../doctor/installation.js'),
      import('../doctor/machine.js'),
      import('../doctor/running.js'),
    ]);
    const checks: readonly Check[] = [
      machine.node,
      installation.nativeModules,
      installation.memoryOrder,
      machine.runtimeDirectories,
      machine.flowSpace,
      machine.sharedMemory,
      machine.openFiles,
      machine.systemd,
      machine.secret,
      running.hostServer,
      running.applications,
      running.gateways,
      running.recorders,
      running.spectcl,
    ];
    const checkContext: CheckContext = { env, uid: process.geteuid?.() ?? 0, directory, spectcl, signal };
    const findings: TitledFinding[] = [];
    for (const check of checks) findings.push(...(await runCheck(check, checkContext)));
    if (output.json) output.value(findings);
    else {
      for (const { check, state, found, mend } of findings) {
        const { unicode } = output.abilities;
        const line = `${output.styled(state.padEnd(4), STYLES[state])}  ${check}: ${printable(found, unicode)}`;
        output.lines(mend === undefined ? [line] : [line, `      ${printable(mend, unicode)}`]);
      }
    }
    return findings.some(({ state }) => state === 'fail') ? EXIT.failed : EXIT.success;
  },
});

function withTitle({ title }: Check, { state, found, mend }: Finding): TitledFinding {
  return { check: title, state, found, ...(mend === undefined ? {} : { mend }) };
}

async function runCheck(check: Check, context: CheckContext): Promise<TitledFinding[]> {
  try {
    const findings = await check.run(context);
    return [findings].flat().map((finding: Finding) => withTitle(check, finding));
  } catch (error) {
    return [
      { check: check.title, state: 'fail', found: describeError(error), mend: 'see the logs of the servers' },
    ];
  }
}
