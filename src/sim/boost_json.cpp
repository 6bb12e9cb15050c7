// The one translation unit that holds Boost.JSON's code; the other files include only its declarations.
#include <boost/json/src.hpp>
