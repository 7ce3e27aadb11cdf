/** What every dispatch job and every shipped table is at, read from the databases alone. */
package io.pgcaravan.status;
