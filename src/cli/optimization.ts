import { setFlagsFromString } from 'node:v8';

/** Of V8, in the order of their care. */
const COMPILERS = ['sparkplug', 'maglev', 'turbofan'] as const;

/**
 * Whether V8 compiles what runs often once more. What runs while a program starts runs once: compiling it makes the
 * start no faster, and leaves ten mebibytes in a hub that has nothing to do yet (docs/decisions/0020).
 */
export function setOptimization(wanted: 'on' | 'off'): void {
  for (const compiler of COMPILERS)
    setFlagsFromString(wanted === 'on' ? `--${compiler}` : `--no-${compiler}`);
}
