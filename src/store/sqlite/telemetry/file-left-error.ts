/** A file of a newer Recado, or of something else: it is left as it is, and the history goes on without it. */
export class FileLeftError extends Error {}
