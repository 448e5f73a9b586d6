#include <kiln/kiln.h>

int main() {}
