/** PostgreSQL servers that the demo, the benchmarks and the tests start and remove again. */
package io.pgcaravan.server;
