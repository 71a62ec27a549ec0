/**
 * The gates (conditions on events) of a SpecTcl simulator, in the form of the REST service's
 * `gate/list`. Used by rest-service.ts. A constant table; spectra do not depend on the gates.
 */
export const GATES = [
  {
    name: 'beam',
    type: 's',
    parameters: [{ name: 'rf.tof' }],
    gates: [],
    points: [],
    low: -20,
    high: 60,
  },
  {
    name: 'alpha',
    type: 'c',
    parameters: [{ name: 'si.e' }, { name: 'si.de' }],
    gates: [],
    points: [
      { x: 12, y: 22 },
      { x: 40, y: 9 },
      { x: 90, y: 4.5 },
      { x: 90, y: 3 },
      { x: 38, y: 6 },
      { x: 11, y: 16 },
    ],
    low: 0,
    high: 0,
  },
  {
    name: 'alpha-in-beam',
    type: '*',
    parameters: [],
    gates: ['beam', 'alpha'],
    points: [],
    low: 0,
    high: 0,
  },
] as const;
