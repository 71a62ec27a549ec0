/**
 * `mirrorflow mirrors`: lists the mirrors of an application's SpecTcl.
 *
 * A mirror is a copy of SpecTcl's display memory on a host. The command asks each application's app
 * server, which asks SpecTcl and the gateway for their directories.
 */
import { APP_OPTION, command } from '../command.js';
import { askApplications } from '../every-application.js';

const DIRECTORIES = { spectcl: 'SpecTcl', gateway: 'the gateway' } as const;

export const mirrorsCommand = command({
  name: 'mirrors',
  summary: 'list the mirrors of the SpecTcl of all applications, or of one',
  positionals: {},
  options: { app: { ...APP_OPTION, describe: 'list only those of this application' } },
  examples: [['mirrors', 'mirrors that are registered at SpecTcl, and those behind the gateway']],
  async run(context, { app }) {
    const answers = await askApplications(context, app, async (client) => [await client.spectclMirrors()]);
    const { output } = context;
    for (const { app: name, unanswered } of answers) {
      for (const { at, cause } of unanswered)
        output.note(`${name}: ${DIRECTORIES[at]} does not answer: ${cause}`);
    }
    const mirrors = answers.flatMap(({ app: name, mirrors: all }) =>
      all.map((mirror) => Object.assign({ app: name }, mirror)),
    );
    if (output.json) return output.value(mirrors);
    output.table(
      [
        { header: 'app' },
        { header: 'directory' },
        { header: 'host' },
        { header: 'key' },
        { header: 'MiB', align: 'right' },
      ],
      mirrors.map(({ app: name, at, host, key, megabytes }) => [
        name,
        DIRECTORIES[at],
        host,
        key === '' ? '-' : key,
        megabytes === undefined ? '-' : String(megabytes),
      ]),
      'No mirrors.',
    );
  },
});
