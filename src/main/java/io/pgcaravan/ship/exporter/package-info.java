/** Changes of a table, and the full table where that is needed, are written as a change set for one target. */
package io.pgcaravan.ship.exporter;
