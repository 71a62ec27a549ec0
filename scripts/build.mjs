// Installs what is missing or out of date, then compiles to dist/. Uses nothing but Node and npm.
import { prepare } from './setup.mjs';

prepare({ build: true });
