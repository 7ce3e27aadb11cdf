/** Shows both jobs on databases of their own, and checks that no row is missing. */
package io.pgcaravan.demo;
