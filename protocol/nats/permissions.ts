/**
 * The permissions of the sites of a collaboration, as configuration of nats-server: each site may
 * publish under its own name only, and read what all publish. Called by `mirrorflow nats
 * permissions`. Pure but for the passwords: names in, text out.
 */
import { randomBytes } from 'node:crypto';
import { NatsSubjects, subjectToken } from './subjects.js';

export interface PermissionRequest {
  readonly prefix: string;
  /** At most one entry for a site. */
  readonly sites: readonly string[];
  /**
   * The JetStream domain of this server, a hub whose sites are leaf nodes, each with its name as
   * JetStream domain. Undefined: the sites' hosts are clients of this server.
   */
  readonly hubDomain: string | undefined;
}

interface SitePermissions {
  readonly publish: readonly string[];
  /** Exceptions of `publish`. */
  readonly deny: readonly string[];
  readonly subscribe: readonly string[];
}

/** Operations on the bucket of all sites that every site needs. */
const BUCKET_OPERATIONS = ['STREAM.INFO', 'STREAM.CREATE', 'CONSUMER.CREATE', 'CONSUMER.INFO'] as const;
/** Operations on its own stream that only the publishing site may ask for. */
const OWN_OPERATIONS = ['STREAM.CREATE', 'STREAM.UPDATE', 'STREAM.INFO', 'STREAM.PURGE'] as const;
/** Operations on the stream of another site that its receivers need; no operation changes it. */
const READ_OPERATIONS = [
  'STREAM.INFO',
  'STREAM.MSG.GET',
  'DIRECT.GET',
  'CONSUMER.CREATE',
  'CONSUMER.INFO',
  'CONSUMER.MSG.NEXT',
] as const;
/** Operations of another domain that a leaf node may not ask for: all that change something. */
const CHANGES = [
  'STREAM.CREATE',
  'STREAM.UPDATE',
  'STREAM.DELETE',
  'STREAM.PURGE',
  'STREAM.RESTORE',
  'STREAM.SNAPSHOT',
  'STREAM.MSG.DELETE',
  'STREAM.PEER',
  'STREAM.LEADER',
  'STREAM.TEMPLATE',
  'CONSUMER.DELETE',
  'CONSUMER.PAUSE',
  'CONSUMER.LEADER',
  'META',
  'SERVER',
  'ACCOUNT',
] as const;

/** What one site may do: its hosts as clients, or its leaf node. */
export function sitePermissions(
  { prefix, sites, hubDomain }: PermissionRequest,
  site: string,
): SitePermissions {
  const own = new NatsSubjects(prefix, site);
  const token = subjectToken(site);
  const common = [
    own.allData,
    `${prefix}.ask.*.*.${token}`,
    `${prefix}.inbox.>`,
    `$KV.${own.bucket}.${token}.>`,
    '$JS.ACK.>',
    '$JS.FC.>',
  ];
  const received = [
    `${prefix}.data.>`,
    `${prefix}.take.${token}.>`,
    `${prefix}.ask.${token}.>`,
    `${own.inbox}.>`,
  ];
  if (hubDomain === undefined) {
    return {
      publish: [
        ...common,
        `${prefix}.take.*.*.*.${token}`,
        `${prefix}.take.*.*.*.${token}.>`,
        '$JS.API.INFO',
        ...onStream('$JS.API', BUCKET_OPERATIONS, `KV_${own.bucket}`),
        ...onStream('$JS.API', OWN_OPERATIONS, own.stream),
        ...sites.flatMap((name) =>
          onStream('$JS.API', READ_OPERATIONS, new NatsSubjects(prefix, name).stream),
        ),
      ],
      deny: [],
      subscribe: received,
    };
  }
  const hub = `$JS.${hubDomain}.API`;
  const others = sites.filter((name) => name !== site).map((name) => `$JS.${subjectToken(name)}.API`);
  return {
    publish: [
      ...common,
      // A hub tells a leaf node of a subscription only where all that it covers may be published:
      // publishers subscribe for all sites, a domain for all of its operations.
      `${prefix}.take.>`,
      ...others.map((api) => `${api}.>`),
      `${hub}.INFO`,
      `${hub}.$KV.${own.bucket}.${token}.>`,
      ...onStream(hub, BUCKET_OPERATIONS, `KV_${own.bucket}`),
    ],
    deny: others.flatMap((api) => CHANGES.map((operation) => `${api}.${operation}.>`)),
    subscribe: [...received, `$JS.${token}.API.>`, '$JS.ACK.>', '$JS.FC.>'],
  };
}

/** Consumers and messages have further parts in their subjects. */
function onStream(api: string, operations: readonly string[], stream: string): string[] {
  return operations.flatMap((operation) => {
    const subject = `${api}.${operation}.${stream}`;
    const isWhole = operation.startsWith('STREAM') && operation !== 'STREAM.MSG.GET';
    return isWhole ? [subject] : [subject, `${subject}.>`];
  });
}

/** An account with a user for each site; passwords are new ones each time. */
export function permissionConfiguration(request: PermissionRequest): string {
  const users = request.sites.map((site) => {
    const { publish, deny, subscribe } = sitePermissions(request, site);
    return [
      '    {',
      `      user: ${quoted(site)}`,
      `      password: ${quoted(randomBytes(24).toString('base64url'))}`,
      '      permissions: {',
      '        publish: {',
      ...subjectList('allow', publish),
      ...(deny.length === 0 ? [] : subjectList('deny', deny)),
      '        }',
      '        subscribe: {',
      ...subjectList('allow', subscribe),
      '        }',
      '      }',
      '    }',
    ].join('\n');
  });
  return [
    `# The sites of ${request.prefix}: include this file in the configuration of nats-server.`,
    'accounts: {',
    `  ${request.prefix}: {`,
    '    jetstream: enabled',
    '    users: [',
    users.join('\n'),
    '    ]',
    '  }',
    '}',
    '',
  ].join('\n');
}

function subjectList(kind: string, subjects: readonly string[]): string[] {
  return [
    `          ${kind}: [`,
    ...subjects.map((subject) => `            ${quoted(subject)}`),
    '          ]',
  ];
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
