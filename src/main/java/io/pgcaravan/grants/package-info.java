/** Writes the SQL that gives a role the rights that a job needs, and no others. */
package io.pgcaravan.grants;
