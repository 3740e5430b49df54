/** What came as JSON, for tests that look into it: a wrong guess fails the test. */
export type Json = any;
